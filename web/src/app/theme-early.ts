// Runs before the first paint, as a script of its own, so that a chosen theme
// does not flash in the other colours.
import { applyTheme, chosenTheme } from "./theme.ts";

applyTheme(chosenTheme());
