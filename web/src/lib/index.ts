export { Client, type ClientEvents, type ClientOptions, type State } from "./client.ts";
export { type Clock, systemClock } from "./clock.ts";
export type { Socket, SocketFactory } from "./connection.ts";
export { asPolylogError, type Code, PolylogError } from "./errors.ts";
export type { Item, Message, Notice } from "./log.ts";
export { login, type Session } from "./login.ts";
export type { OutboxStorage, Pending } from "./outbox.ts";
export type { Room } from "./room.ts";
export type { RoomInfo, RoomKind, User } from "./types.ts";
