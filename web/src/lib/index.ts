// The client library of polylog.v1.
//
//   const { token, user } = await login(server, "ana");
//   const client = new Client({ server, token, user });
//   client.on("room", (room) => show(room.log.all));
//   client.start();
//   const room = await client.join("general"); // waits for the connection
//   client.send(room.id, "hi"); // is sent until it is acknowledged, across connections
export { candidates, isSocket, parseServer } from "./address.ts";
export {
  Client,
  type ClientEvents,
  type ClientOptions,
  type RequestOptions,
  type State,
} from "./client.ts";
export { type Clock, systemClock } from "./clock.ts";
export type { Socket, SocketFactory } from "./connection.ts";
export { Emitter } from "./emitter.ts";
export { findServer, type Finding } from "./find.ts";
export { asPolylogError, type Code, isTransient, PolylogError, type Why } from "./errors.ts";
export type { Item, Message, Notice } from "./log.ts";
export {
  beginPasskey,
  enter,
  type Entry,
  login,
  type Renewal,
  type Renewing,
  renewSession,
  type Session,
  ways,
} from "./login.ts";
export type { OutboxStorage, Pending } from "./outbox.ts";
export type { Room } from "./room.ts";
export type {
  ActEvent,
  InviteLink,
  KeyInfo,
  ListedRoom,
  Member,
  PasskeyInfo,
  Profile,
  Report,
  Role,
  RoomEvent,
  RoomInfo,
  RoomKind,
  RoomSettings,
  SessionInfo,
  User,
  Way,
} from "./types.ts";
