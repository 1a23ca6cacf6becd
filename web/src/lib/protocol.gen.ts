// Made from src/chat/model/commands.tbl and errors.tbl by `make docs`.

// What each command takes.
export interface CommandParams {
  login: {
    name: string;
    password?: string;
    owner?: string;
  };
  signup: {
    name: string;
    password: string;
    owner?: string;
    invite?: string;
  };
  password: {
    old?: string;
    new: string;
  };
  recover: {
    name: string;
  };
  reset: {
    code: string;
    password: string;
  };
  passkey_begin: {
    name?: string;
    owner?: string;
    invite?: string;
  };
  passkey_login: {
    credential: string;
    handle: string;
    client_data: string;
    authenticator: string;
    signature: string;
    owner?: string;
  };
  passkey_signup: {
    name: string;
    client_data: string;
    attestation: string;
    title?: string;
    owner?: string;
    invite?: string;
  };
  passkey_new: Record<string, never>;
  passkey_add: {
    client_data: string;
    attestation: string;
    title?: string;
  };
  passkeys: Record<string, never>;
  passkey_rename: {
    passkey: number;
    title: string;
  };
  passkey_remove: {
    passkey: number;
  };
  ways: Record<string, never>;
  token: {
    name: string;
    ttl?: number;
  };
  auth: {
    token: string;
    array?: boolean;
  };
  logout: {
    session?: string;
    others?: boolean;
  };
  sessions: {
    limit?: number;
    next?: string;
  };
  key_create: {
    name: string;
    scope: string;
    ttl?: number;
    user?: number;
  };
  keys: {
    user?: number;
  };
  key_revoke: {
    key: string;
    user?: number;
  };
  bot_create: {
    name: string;
    user?: number;
  };
  bots: {
    user?: number;
  };
  join: {
    room: string;
    after?: number;
    epoch?: number;
    last?: number;
    create?: boolean;
  };
  resume: {
    rooms: Record<string, [number, number]>;
  };
  send: {
    room: string;
    text: string;
    cid?: string;
    seen?: number;
    reply_to?: number;
    as?: string;
    picture?: string;
  };
  edit: {
    room: string;
    target: number;
    text: string;
  };
  delete: {
    room: string;
    target: number;
    reason?: string;
  };
  react: {
    room: string;
    target: number;
    emoji: string;
    on?: boolean;
  };
  history: {
    room: string;
    before?: number;
    after?: number;
    around?: number;
    limit?: number;
    view?: "messages" | "log";
  };
  leave: {
    room: string;
  };
  typing: {
    room: string;
    on?: boolean;
  };
  read: {
    room: string;
    seq: number;
    count?: number;
  };
  rooms: {
    limit?: number;
    next?: string;
  };
  room_pref: {
    room: string;
    favourite?: boolean;
    muted?: boolean;
    notify?: string;
    hidden?: boolean;
  };
  directory: {
    query?: string;
    limit?: number;
    next?: string;
  };
  presence: {
    room: string;
  };
  users: {
    query?: string;
  };
  users_upsert: {
    people: string;
    active?: boolean;
  };
  profile_set: {
    display?: string;
    status?: string;
    status_until?: number;
    zone?: string;
    state?: string;
    state_until?: number;
  };
  profiles: {
    users: string;
  };
  block: {
    user: number;
    on?: boolean;
  };
  blocks: {
    limit?: number;
    next?: string;
  };
  deactivate: {
    user?: number;
    on?: boolean;
  };
  room_create: {
    room?: string;
    title?: string;
    kind?: "public" | "private";
  };
  room_set: {
    room: string;
    title?: string;
    topic?: string;
    description?: string;
    icon?: string;
    announcement?: boolean;
    slow?: number;
    invite?: "members" | "moderators";
    pin?: "members" | "moderators";
    mention?: "members" | "moderators";
    archived?: boolean;
    retain_age?: number;
    retain_count?: number;
  };
  filter_set: {
    room?: string;
    words?: string;
    hit?: string;
    links?: string;
    hosts?: string;
  };
  filter: {
    room?: string;
  };
  room_delete: {
    room: string;
  };
  member_set: {
    room: string;
    user: number;
    role: "owner" | "moderator" | "member" | "muted" | "banned" | "none";
    until?: number;
    lasts?: number;
    reason?: string;
  };
  kick: {
    room: string;
    user: number;
    reason?: string;
  };
  purge: {
    room: string;
    user: number;
    reason?: string;
  };
  report: {
    room: string;
    target: number;
    reason: string;
  };
  reports: {
    room?: string;
    limit?: number;
    next?: string;
  };
  report_resolve: {
    room: string;
    target: number;
    reason?: string;
  };
  members: {
    room: string;
  };
  dm: {
    user?: number;
    users?: string;
  };
  invite_create: {
    room?: string;
    expires?: number;
    uses?: number;
  };
  invites: {
    room?: string;
  };
  invite_revoke: {
    room?: string;
    invite: string;
  };
  invite_use: {
    code: string;
  };
  ping: Record<string, never>;
}

// Every error that the server answers with.
export type ErrorCode =
  | "bad_json"
  | "bad_utf8"
  | "too_deep"
  | "too_many_values"
  | "unknown_command"
  | "bad_type"
  | "missing_parameter"
  | "bad_value"
  | "too_long"
  | "bad_room"
  | "bad_name"
  | "empty"
  | "bad_text"
  | "bad_emoji"
  | "bad_key"
  | "unauthenticated"
  | "bad_token"
  | "expired"
  | "revoked"
  | "bad_login"
  | "bad_password"
  | "bad_code"
  | "bad_passkey"
  | "passkey_stale"
  | "passkey_copied"
  | "passkey_domain"
  | "passkey_needed"
  | "passkey_there"
  | "no_such_passkey"
  | "too_many_passkeys"
  | "last_way"
  | "password_needed"
  | "way_closed"
  | "signup_closed"
  | "invite_needed"
  | "login_busy"
  | "login_closed"
  | "deactivated"
  | "login_elsewhere"
  | "name_taken"
  | "name_alike"
  | "bad_origin"
  | "bad_secret"
  | "bad_host"
  | "forbidden"
  | "beyond_scope"
  | "no_such_key"
  | "too_many_keys"
  | "bots_only"
  | "bad_picture"
  | "too_many_bots"
  | "not_member"
  | "banned"
  | "muted"
  | "announcement"
  | "archived"
  | "word_refused"
  | "link_refused"
  | "refused"
  | "check_failed"
  | "slow_mode"
  | "blocked"
  | "already_authenticated"
  | "no_such_room"
  | "no_such_user"
  | "no_such_message"
  | "no_such_session"
  | "no_such_invite"
  | "too_many_invites"
  | "no_such_report"
  | "too_many_reports"
  | "too_many_purges"
  | "no_such_path"
  | "method_not_allowed"
  | "room_exists"
  | "cid_conflict"
  | "unconfirmed"
  | "deleted"
  | "too_many_rooms"
  | "too_many_namespaces"
  | "rooms_limit"
  | "too_many_reactions"
  | "rate_limited"
  | "too_many_commands"
  | "answer_too_long"
  | "store_full"
  | "store_failed"
  | "store_behind"
  | "issuer_unavailable"
  | "sessions_unproven"
  | "internal";
