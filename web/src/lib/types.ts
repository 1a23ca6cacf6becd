// The frames of polylog.v1 that come from the server.
import type { CommandParams } from "./protocol.gen.ts";

export interface User {
  id: number;
  name: string;
  owner?: boolean;
}

// What people say of themselves; what is not said, or is over, is left out.
export interface Profile {
  id: number;
  name: string; // the handle, by which others find and mention them
  display?: string;
  status?: string;
  status_until?: number;
  zone?: string;
  state?: "away" | "dnd";
  state_until?: number;
}

// A place in a room's log, and how many messages there are up to it.
export interface Position {
  seq: number;
  count: number;
}

export type RoomKind = "public" | "private" | "direct" | "group" | "self";
export type Role = "owner" | "moderator" | "member" | "muted" | "banned" | "none";

// What is as it was at first is left out.
export interface RoomSettings {
  topic?: string;
  description?: string; // not in the list of one's rooms
  icon?: string;
  announcement?: boolean;
  slow?: number; // seconds
  invite?: "members";
  pin?: "moderators";
  mention?: "moderators";
  archived?: boolean;
  deleted?: boolean;
  retain_age?: number; // seconds
  retain_count?: number;
  first?: number; // nothing before this seq is kept
}

export interface RoomInfo extends Pref {
  id: string;
  kind: RoomKind;
  title: string;
  settings?: RoomSettings;
  epoch: number;
  head: Position;
  read?: Position;
  unread?: number; // without what was deleted
  role?: Role;
  peer?: User; // of a direct room
  people?: User[]; // of a group: all of them, oneself too
}

// How one likes to see a room; what is as at first is left out.
export interface Pref {
  favourite?: boolean;
  muted?: boolean;
  notify?: "mentions" | "none";
  hidden?: boolean;
}

interface Logged {
  room: string;
  seq: number;
  ts: number;
  from: User;
}

export interface MessageEvent extends Logged {
  event: "message";
  count: number;
  text: string;
  rev: number;
  cid?: string;
  reply_to?: number;
  // A bot's message; the name and the picture that the bot gave for this one.
  bot?: boolean;
  as?: string;
  picture?: string;
  edited?: number;
  deleted?: boolean;
  reactions?: Record<string, number[]>;
}

export interface EditEvent extends Logged {
  event: "edit";
  target: number;
  text: string;
}

export interface DeleteEvent extends Logged {
  event: "delete";
  target: number;
}

export interface ReactEvent extends Logged {
  event: "react";
  target: number;
  emoji: string;
  on: boolean;
}

export interface RoomEvent extends Logged {
  event: "room";
  title: string;
  kind?: RoomKind;
  people?: User[]; // of a group
  settings?: RoomSettings; // all of them; without it they are as they were
}

export interface MemberEvent extends Logged {
  event: "member";
  user: User;
  role: Role;
  until?: number;
  kick?: boolean; // the person follows the room no more, whatever the role
}

// All messages of the person up to the seq target are deleted.
export interface PurgeEvent extends Logged {
  event: "purge";
  user: User;
  target: number;
}

export interface Report {
  room: string;
  target: number;
  by: User;
  user: User;
  reason: string;
  ts: number;
}

// An act of moderation: in the log of moderators, audit:<room>, and in the own log of the person.
export interface ActEvent extends Logged {
  event: "act";
  act: string;
  to?: string;
  entry?: number; // the act's seq in the room `to`
  user?: User;
  role?: Role;
  until?: number;
  target?: number;
  reason?: string;
}

export interface InviteEvent extends Logged {
  event: "invite";
  to: string;
  kind: RoomKind;
  title: string;
  role?: Role;
}

// In one's own log: how one likes to see the room `to`.
export interface PrefEvent extends Logged, Pref {
  event: "pref";
  to: string;
}

// The server's store has lost this entry: nothing but its place is known.
export interface LostEvent extends Logged {
  event: "lost";
}

// In one's own log: whom one has blocked on a device, or not any more.
export interface BlockEvent extends Logged {
  event: "block";
  user: User;
  on: boolean;
}

// In one's own log: one says something else of oneself.
export interface ProfileEvent extends Logged {
  event: "profile";
}

export type LoggedEvent =
  | MessageEvent
  | EditEvent
  | DeleteEvent
  | ReactEvent
  | RoomEvent
  | MemberEvent
  | InviteEvent
  | PrefEvent
  | ActEvent
  | PurgeEvent
  | BlockEvent
  | ProfileEvent
  | LostEvent;

export type CastEvent =
  | { event: "typing"; room: string; from: User; on: boolean }
  | { event: "presence"; room: string; count: number; users?: User[] }
  | { event: "read"; room: string; user: number; seq: number; count?: number };

export type ControlEvent =
  | { event: "behind"; room: string; from: number; to: number }
  | { event: "reset"; room: string; epoch: number; head: Position }
  | { event: "move"; reason: string; delay_ms: number; within_ms: number }
  | { event: "expiring"; expires: number };

export type ServerEvent = LoggedEvent | CastEvent | ControlEvent;

export interface ErrorBody {
  code: string;
  message: string;
  detail?: string;
  retry_after_ms?: number;
}

// What resume answers for a room that moved, is another log, or was refused.
export type Resumed = { epoch: number; head: Position; reset?: boolean } | { error: ErrorBody };

// A public room, as it is found. How many messages there are, and when the last came, lags behind.
export interface ListedRoom {
  id: string;
  title: string;
  topic?: string;
  icon?: string;
  messages: number;
  active: number;
}

// A link that lets people into a room, or without one sign up.
export interface InviteLink {
  id: string;
  room?: string;
  by: number;
  created: number;
  expires?: number;
  uses?: number; // people that it lets in; without it any number
  used: number;
}

// An API key, without itself. used: when it was last used, to five minutes.
export interface KeyInfo {
  id: string;
  name: string;
  scope: string;
  created: number;
  expires: number;
  used?: number;
}

// Somebody who has a role in a room; until: when a mute or a ban ends.
export interface Member extends User {
  role: Role;
  until?: number;
}

// A session of one's own; seen and what follows: when it was last used, from which address, and
// by what, as far as the server could tell.
export interface SessionInfo {
  id: string;
  created: number;
  expires: number;
  current: boolean;
  seen?: number;
  place?: string;
  program?: string;
  system?: string;
}

// One of one's own passkeys.
export interface PasskeyInfo {
  id: number;
  title: string;
  domain: string;
  synced: boolean;
  created: number;
  used?: number;
}

// What a browser is asked to sign: {handle, name} of whom it makes a passkey for.
interface Challenge {
  challenge: string;
  timeout: number;
  rp?: string;
}

// A way to log in.
export type Way = "password" | "passkey" | "name" | "issuer";

// What each command answers; what it takes is in protocol.gen.ts.
interface Answers {
  ways: { login: Way[]; signup: "open" | "invite" | "closed"; passkey_rp?: string };
  login: { token: string; user: User; expires: number };
  signup: { token: string; user: User; expires: number };
  password: { token: string; user: User; expires: number };
  recover: { code: string; user: User; expires: number };
  reset: { token: string; user: User; expires: number };
  passkey_begin: Challenge & { user?: { handle: string; name: string } };
  passkey_login: { token: string; user: User; expires: number };
  passkey_signup: { token: string; user: User; expires: number };
  passkey_new: Challenge & { user: { handle: string; name: string }; exclude: string[] };
  passkey_add: { passkey: number; token: string; user: User; expires: number };
  passkeys: { passkeys: PasskeyInfo[] };
  passkey_rename: { id: number };
  passkey_remove: { token: string; user: User; expires: number };
  token: { token: string; user: User; expires: number };
  auth: { user: User; session?: string; expires: number; lifetime?: number };
  logout: { session?: string; ended?: number };
  sessions: {
    sessions: SessionInfo[];
    next?: string;
  };
  key_create: { key: string; id: string; expires: number };
  keys: { keys: KeyInfo[] };
  key_revoke: { id: string };
  bot_create: { user: User; owner: number };
  bots: { bots: (User & { active: boolean })[] };
  join: { room: RoomInfo; read?: Position; unread?: number; role?: Role; reset?: boolean };
  resume: { rooms: Record<string, Resumed> };
  send: { seq: number; ts: number; count: number; duplicate?: boolean; changed?: boolean };
  edit: { seq: number; ts: number; changed?: boolean };
  delete: { seq: number; ts: number };
  react: { seq: number; ts: number };
  history: { entries: LoggedEvent[]; more: boolean; head: Position; epoch?: number };
  leave: { room: string };
  typing: object;
  read: Position;
  rooms: { rooms: RoomInfo[]; next?: string };
  directory: { rooms: ListedRoom[]; next?: string };
  presence: { count: number; users?: User[] };
  users: { users: User[] };
  users_upsert: {
    people: { name: string; id?: number; made?: boolean; active?: boolean; error?: string }[];
  };
  profile_set: { profile: Profile };
  deactivate: { user: number; on: boolean };
  block: { user: number; on: boolean };
  blocks: { blocks: User[]; next?: string };
  profiles: { profiles: Profile[] };
  room_create: { room: RoomInfo };
  room_set: { seq: number; ts: number };
  room_delete: { seq: number; ts: number };
  filter_set: { seq?: number; ts?: number };
  filter: { words: string; hit: "refuse" | "mask"; links: "all" | "except" | "only" | "none"; hosts: string };
  member_set: { seq: number; ts: number };
  kick: { seq: number; ts: number };
  purge: { seq: number; ts: number };
  report: object;
  reports: { reports: Report[]; next?: string };
  report_resolve: object;
  members: { members: Member[] };
  dm: { room: RoomInfo };
  room_pref: { room: string } & Pref;
  invite_create: { code: string; invite: InviteLink };
  invites: { invites: InviteLink[] };
  invite_revoke: object;
  invite_use: { room: RoomInfo };
  ping: { now: number };
}

export type AnyCommand = keyof Answers;
export type AnyParams<C extends AnyCommand> = CommandParams[C];
// The commands of somebody who is logged in.
export type CommandName = Exclude<
  AnyCommand,
  "login" | "signup" | "reset" | "passkey_begin" | "passkey_login" | "passkey_signup"
>;
export type Params<C extends CommandName> = AnyParams<C>;
export type Answer<C extends keyof Answers> = Answers[C];
