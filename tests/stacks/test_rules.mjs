// Every rule over every template that has something it looks at; and that each sees a planted fault there.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RULES, judge } from "./lib/rules.mjs";
import { Template, names } from "./lib/template.mjs";

const templates = names().map((name) => Template.of(name));

for (const rule of RULES) {
  const looked = templates.filter((template) => judge(rule, template).looked > 0);
  if (looked.length === 0) test(`${rule.name}: looks at something`, () => assert.fail("no template has any"));
  for (const template of looked) {
    test(`${template.name}: ${rule.name}`, () => assert.deepEqual(judge(rule, template).wrong, []));
    test(`${template.name}: a fault against "${rule.name}" is seen`, () => {
      const copy = template.copy();
      rule.plant(copy);
      assert.notDeepEqual(judge(rule, copy).wrong, []);
    });
  }
}
