/* launch_node.h: the client of the runtime API for functions in Node.
 * Its text is given to the interpreter as an argument. */
#ifndef GATEWAY_LAUNCH_NODE_H
#define GATEWAY_LAUNCH_NODE_H

extern const char launch_node_client[];

#endif
