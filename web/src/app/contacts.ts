// What the page knows of people: what they say of themselves, asked for a few at a time as their
// names come into sight, and whom one has blocked.
import { type Client, Emitter, type Profile, type User } from "../lib/index.ts";

const ASK_MS = 100;
const AT_ONCE = 20;
// So long what somebody said is not asked for again.
const FRESH_MS = 5 * 60_000;

interface Known {
  profile: Profile;
  at: number;
}

export interface ContactEvents {
  // A person says something else than the page showed.
  profile: Profile;
  // Whom one has blocked.
  blocks: undefined;
}

export class Contacts extends Emitter<ContactEvents> {
  private readonly known = new Map<number, Known>();
  private readonly wanted = new Set<number>();
  private blocked: ReadonlySet<number> = new Set();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly client: Client) {
    super();
    client.on("blocked", ({ user, on }) => this.mark(user.id, on));
    client.on("profile", () => void this.fetch(client.user.id).catch(() => undefined));
  }

  // The name to show: one's own choice, else the handle.
  nameOf(user: User): string {
    return this.profile(user.id)?.display ?? user.name;
  }

  // What the person said of themselves when they were last asked; what is over is left out.
  profile(id: number): Profile | undefined {
    const profile = this.known.get(id)?.profile;
    if (profile === undefined) return undefined;
    const now = Date.now();
    const shown = { ...profile };
    if (shown.status_until !== undefined && shown.status_until <= now) delete shown.status;
    if (shown.state_until !== undefined && shown.state_until <= now) delete shown.state;
    return shown;
  }

  // The person is in sight: what they say is asked for soon, unless it is known.
  want(id: number): void {
    const known = this.known.get(id);
    if (known !== undefined && Date.now() - known.at < FRESH_MS) return;
    this.wanted.add(id);
    this.timer ??= setTimeout(() => void this.ask(), ASK_MS);
  }

  // Asks now; undefined: there is no such person.
  async fetch(id: number): Promise<Profile | undefined> {
    const { profiles } = await this.client.request("profiles", { users: String(id) });
    for (const profile of profiles) this.take(profile);
    return this.profile(id);
  }

  take(profile: Profile): void {
    const before = JSON.stringify(this.known.get(profile.id)?.profile);
    this.known.set(profile.id, { profile, at: Date.now() });
    if (before !== JSON.stringify(profile)) this.emit("profile", profile);
  }

  private async ask(): Promise<void> {
    const ids = [...this.wanted].slice(0, AT_ONCE);
    for (const id of ids) this.wanted.delete(id);
    try {
      const { profiles } = await this.client.request("profiles", { users: ids.join(",") });
      for (const profile of profiles) this.take(profile);
    } catch {
      // Handles are shown until somebody comes into sight again.
    }
    this.timer = undefined;
    if (this.wanted.size > 0) this.timer = setTimeout(() => void this.ask(), ASK_MS);
  }

  // ---- Blocks ----

  isBlocked(id: number): boolean {
    return this.blocked.has(id);
  }

  // Everybody whom one has blocked, by name.
  async loadBlocks(): Promise<User[]> {
    const found: User[] = [];
    let next: string | undefined;
    do {
      const page = await this.client.request("blocks", next === undefined ? {} : { next });
      found.push(...page.blocks);
      next = page.next;
    } while (next !== undefined);
    this.setBlocked(new Set(found.map(({ id }) => id)));
    return found;
  }

  async block(id: number, on: boolean): Promise<void> {
    await this.client.request("block", { user: id, on });
    this.mark(id, on);
  }

  private mark(id: number, on: boolean): void {
    const blocked = new Set(this.blocked);
    if (on) blocked.add(id);
    else blocked.delete(id);
    this.setBlocked(blocked);
  }

  private setBlocked(blocked: ReadonlySet<number>): void {
    const same = blocked.size === this.blocked.size && [...blocked].every((id) => this.isBlocked(id));
    this.blocked = blocked;
    if (!same) this.emit("blocks", undefined);
  }
}
