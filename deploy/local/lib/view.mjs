// How two colours stand, in the terminal: bars, and lines that are drawn again in their place.
export const terminal = process.stdout.isTTY;

const BAR = 40;
const PAINTS = [34, 32]; // blue, green

// A bar of that colour, full by its part of 1; nothing where it could not be painted.
export function bar(colour, part) {
  const full = Math.round(part * BAR);
  return terminal ? `\x1b[${PAINTS[colour]}m${"█".repeat(full)}\x1b[0m${"·".repeat(BAR - full)} ` : "";
}

export class Lines {
  constructor() {
    this.drawn = 0;
  }

  draw(lines) {
    process.stdout.write(`${this.drawn > 0 ? `\x1b[${this.drawn}A` : ""}\r\x1b[J${lines.join("\n")}\n`);
    this.drawn = lines.length;
  }

  // Something else was written below them: they are drawn below that.
  leave() {
    this.drawn = 0;
  }
}
