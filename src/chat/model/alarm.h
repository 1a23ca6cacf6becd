/* alarm.h: what can be wrong with a node while it goes on, by name: the rows of
 * chat/model/alarms.tbl. Rooms raise an alarm by owner_ops.alarm, the server by
 * server/node/alarms.h, which keeps what is raised, counts and logs it. */
#ifndef CHAT_MODEL_ALARM_H
#define CHAT_MODEL_ALARM_H

enum alarm {
#define ALARM(id, hold_s, text, remedy) ALARM_##id,
#include "chat/model/alarms.tbl"
#undef ALARM
    ALARMS_N
};

#endif
