// Checks the page's texts: each is used, says as much in every language, and the page's code has
// no text for people but by its key. Reads the sources with TypeScript; ends with one line
// "N texts, N problems".
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const web = dirname(fileURLToPath(import.meta.url));
const app = join(web, "src/app");

// What people read or hear, as an attribute or property, and where a function is given it.
const SHOWN = /^(text|textContent|title|label|aria-label|placeholder|alt|hint|busy|help|summary)$/;
const CALLS = new Map([
  ["toast", [0]],
  ["field", [0, 2]],
  ["filled", [1]],
  ["copyField", [0, 2]],
  ["listRow", [0, 1]],
  ["rowButton", [0, 1]],
  ["iconButton", [1]],
  ["openMenu", [1]],
  ["confirmDialog", [0, 1, 2]],
  ["announce", [0]],
]);
// Names that are the same in every language, and words that only programs read.
const NAMES = new Set(["Polylog"]);
const PROGRAM =
  /^(Enter|Escape|Tab|Home|End|Arrow\w+|ContextMenu|Content-Type|Files|\w+Error|[A-Z][A-Z_]+|POST|GET|Bearer|Idempotency-Key|Intl|Mozilla)$/;

const hasWords = (text) =>
  /\p{L}{2,}/u.test(text) && !NAMES.has(text.trim()) && !/^https?:\S+$/.test(text);
// A text that stands anywhere: a word with a capital, or a sentence.
const isProse = (text) =>
  !NAMES.has(text.trim()) &&
  !PROGRAM.test(text.trim()) &&
  (/^\s*\p{Lu}\p{Ll}+(\s|[.,:;!?…]|$)/u.test(text) || /\p{L}{2,}[.,!?…]?\s+\p{L}+.*[.!?…]\s*$/u.test(text));

// The literal parts of an expression: of a template, both ways of `? :`, `+`, `??` and `||`.
function literals(node, found = []) {
  if (ts.isStringLiteralLike(node)) found.push(node);
  else if (ts.isTemplateExpression(node)) found.push(node.head, ...node.templateSpans.map((s) => s.literal));
  else if (ts.isConditionalExpression(node)) literals(node.whenFalse, literals(node.whenTrue, found));
  else if (ts.isParenthesizedExpression(node)) literals(node.expression, found);
  else if (ts.isArrayLiteralExpression(node)) for (const one of node.elements) literals(one, found);
  else if (ts.isBinaryExpression(node) && /^(\+|\?\?|\|\|)$/.test(node.operatorToken.getText()))
    literals(node.right, literals(node.left, found));
  return found;
}

const nameOf = (node) => node.getText().replace(/^["']|["']$/g, "");

// The literals of a source that people would see.
export function textsIn(file, source) {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const found = new Map();
  const keep = (nodes, is) => {
    for (const node of nodes) if (is(node.text)) found.set(node.getStart(), node.text);
  };
  const visit = (node) => {
    if (ts.isImportDeclaration(node) || ts.isTypeNode(node)) return;
    if (ts.isPropertyAssignment(node) && SHOWN.test(nameOf(node.name))) keep(literals(node.initializer), hasWords);
    if (ts.isBinaryExpression(node) && ts.isPropertyAccessExpression(node.left) && SHOWN.test(node.left.name.text))
      if (node.operatorToken.kind === ts.SyntaxKind.EqualsToken) keep(literals(node.right), hasWords);
    if (ts.isCallExpression(node)) {
      const called = ts.isPropertyAccessExpression(node.expression) ? node.expression.name.text : node.expression.getText();
      for (const at of CALLS.get(called) ?? []) {
        const given = node.arguments[at];
        if (given !== undefined) keep(literals(given), hasWords);
      }
      // Children of an element: what stands behind its attributes.
      if (called === "h") keep(node.arguments.slice(2).flatMap((one) => literals(one)), hasWords);
      if (called === "setAttribute" && node.arguments.length === 2 && SHOWN.test(nameOf(node.arguments[0])))
        keep(literals(node.arguments[1]), hasWords);
      if (called === "append") keep(node.arguments.flatMap((one) => literals(one)), hasWords);
    }
    if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) keep(literals(node), isProse);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return [...found].map(([at, text]) => {
    const { line } = tree.getLineAndCharacterOfPosition(at);
    return `${file}:${line + 1}: a text that is not in src/texts: ${JSON.stringify(text)}`;
  });
}

// The table of a file: key to text, or to forms.
function table(name) {
  const source = readFileSync(join(web, "src/texts", name), "utf8");
  const tree = ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true);
  const texts = new Map();
  const visit = (node) => {
    if (ts.isPropertyAssignment(node)) {
      const value = node.initializer;
      const forms = ts.isObjectLiteralExpression(value)
        ? value.properties.map((form) => form.initializer.text)
        : [value.text];
      texts.set(nameOf(node.name), forms);
      return;
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return texts;
}

const holes = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
const problems = [];

// A violation of each kind is seen: the check is no better than that.
const PLANTED = [
  'const hint = "Wait a moment.";',
  "toast(`${name} has gone`);",
  'h("p", { text: "gone" });',
  'h("p", {}, wide ? "left" : "right");',
  'box.setAttribute("aria-label", "close");',
  'button.textContent = name ?? "someone";',
  'const THEMES = [["dark", "Dark"]];',
  'field("name", input);',
];
for (const line of PLANTED)
  if (textsIn("planted.ts", line).length === 0) problems.push(`the check does not see: ${line}`);
const FINE = 'if (event.key === "Enter") h("p", { class: "room-entry still", text: t("a.b") }, "· ");';
problems.push(...textsIn("fine.ts", FINE));

const sources = readdirSync(app).map((name) => [`src/app/${name}`, readFileSync(join(app, name), "utf8")]);
for (const [file, source] of sources) problems.push(...textsIn(file, source));

const english = table("en.ts");
const german = table("de.ts");
const code = sources.map(([, source]) => source).join("\n");
for (const [key, forms] of english) {
  if (!key.includes(".")) continue; // an error's code
  if (!code.includes(`"${key}"`)) problems.push(`src/texts/en.ts: nothing uses ${key}`);
  const wanted = new Set(forms.flatMap(holes));
  for (const text of german.get(key) ?? []) {
    const own = new Set(holes(text));
    for (const name of own) if (!wanted.has(name)) problems.push(`de.ts: ${key} has {${name}}, which nothing fills in`);
    for (const name of wanted) if (!own.has(name)) problems.push(`de.ts: ${key} lacks {${name}}`);
  }
}
const SIE = /\b(Sie|Ihnen|Ihre?[nmrs]?)\b/;
for (const [key, forms] of [...german, ...table("de-errors.ts")])
  if (forms.some((text) => SIE.test(text))) problems.push(`${key} says Sie: the page says du`);

for (const problem of problems) console.log(problem);
const count = english.size;
console.log(`${count} texts, ${problems.length} problems`);
process.exit(count > 100 && problems.length === 0 ? 0 : 1);
