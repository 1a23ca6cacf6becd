/* launch_python.h: the client of the runtime API for functions in Python.
 * Its text is given to the interpreter as an argument. */
#ifndef GATEWAY_LAUNCH_PYTHON_H
#define GATEWAY_LAUNCH_PYTHON_H

extern const char launch_python_client[];

#endif
