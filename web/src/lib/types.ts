// The frames of polylog.v1, as far as a client meets them.

export interface User {
  id: number;
  name: string;
  owner?: boolean;
}

// A place in a room's log, and how many messages there are up to it.
export interface Position {
  seq: number;
  count: number;
}

export type RoomKind = "public" | "private" | "direct" | "self";
export type Role = "owner" | "moderator" | "member" | "muted" | "banned" | "none";

export interface RoomInfo {
  id: string;
  kind: RoomKind;
  title: string;
  epoch: number;
  head: Position;
  read?: Position;
  role?: Role;
  peer?: User;
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
}

export interface MemberEvent extends Logged {
  event: "member";
  user: User;
  role: Role;
  until?: number;
}

export interface InviteEvent extends Logged {
  event: "invite";
  to: string;
  kind: RoomKind;
  title: string;
}

export type LoggedEvent =
  | MessageEvent
  | EditEvent
  | DeleteEvent
  | ReactEvent
  | RoomEvent
  | MemberEvent
  | InviteEvent;

export type CastEvent =
  | { event: "typing"; room: string; from: User; on: boolean }
  | { event: "presence"; room: string; count: number; users?: User[] }
  | { event: "read"; room: string; user: number; seq: number; count?: number };

export type ControlEvent =
  | { event: "behind"; room: string; from: number; to: number }
  | { event: "reset"; room: string; epoch: number; head: Position }
  | { event: "bye"; reason: string; delay_ms: number }
  | { event: "expiring"; expires: number };

export type ServerEvent = LoggedEvent | CastEvent | ControlEvent;

export interface ErrorBody {
  code: string;
  message: string;
  retry_after_ms?: number;
}

// What resume answers for a room that moved, is another log, or was refused.
export type Resumed =
  | { epoch: number; head: Position; reset?: boolean }
  | { error: ErrorBody };

// Every command that the client uses: [what it takes, what it answers].
export interface Commands {
  auth: [{ token: string }, { user: User; session?: string; expires: number }];
  logout: [{ session?: string }, { session: string }];
  join: [
    { room: string; after?: number; epoch?: number; last?: number; create?: boolean },
    { room: RoomInfo; read?: Position; role?: Role; reset?: boolean },
  ];
  resume: [{ rooms: Record<string, [number, number]> }, { rooms: Record<string, Resumed> }];
  send: [
    { room: string; text: string; cid: string; seen: number; reply_to?: number },
    { seq: number; ts: number; count: number; duplicate?: boolean },
  ];
  edit: [{ room: string; target: number; text: string }, { seq: number; ts: number }];
  delete: [{ room: string; target: number }, { seq: number; ts: number }];
  react: [
    { room: string; target: number; emoji: string; on: boolean },
    { seq: number; ts: number },
  ];
  history: [
    {
      room: string;
      before?: number;
      after?: number;
      around?: number;
      limit?: number;
      view?: "messages" | "log";
    },
    { entries: LoggedEvent[]; more: boolean; head: Position; epoch?: number },
  ];
  leave: [{ room: string }, { room: string }];
  typing: [{ room: string; on?: boolean }, object];
  read: [{ room: string; seq: number; count?: number }, Position];
  rooms: [object, { rooms: (RoomInfo & { unread?: number })[] }];
  presence: [{ room: string }, { count: number; users?: User[] }];
  users: [{ query?: string }, { users: User[] }];
  room_create: [{ room?: string; title?: string; kind?: RoomKind }, { room: RoomInfo }];
  room_set: [{ room: string; title: string }, { seq: number; ts: number }];
  member_set: [
    { room: string; user: number; role: Role; until?: number },
    { seq: number; ts: number },
  ];
  members: [{ room: string }, { members: (User & { role: Role; until?: number })[] }];
  dm: [{ user: number }, { room: RoomInfo }];
  ping: [object, { now: number }];
}

export type CommandName = keyof Commands;
export type Params<C extends CommandName> = Commands[C][0];
export type Answer<C extends CommandName> = Commands[C][1];
