/* bootstrap.c: what AWS Lambda starts, the first file of polylog-lambda.zip. It starts the program
 * beside it through the loader and the C library that the zip brings, so that it does not matter
 * which ones are there. Linked statically: it needs nothing itself. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __aarch64__
#define LOADER "ld-linux-aarch64.so.1"
#else
#define LOADER "ld-linux-x86-64.so.2"
#endif

int main(int argc, char **argv)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    size_t n = slash != NULL ? (size_t)(slash - argv[0]) : 0;
    char loader[4096], lib[4096], program[4096];
    char *args[] = {loader, "--library-path", lib, program, "lambda", NULL};
    const char *dir = slash != NULL ? argv[0] : ".";

    n = slash != NULL ? n : 1;
    if (n > sizeof(loader) - 64)
        return EXIT_FAILURE;
    (void)snprintf(loader, sizeof(loader), "%.*s/lib/" LOADER, (int)n, dir);
    (void)snprintf(lib, sizeof(lib), "%.*s/lib", (int)n, dir);
    (void)snprintf(program, sizeof(program), "%.*s/polylog", (int)n, dir);
    (void)execv(loader, args);
    (void)fprintf(stderr, "bootstrap: cannot start %s: %s\n", loader, strerror(errno));
    return EXIT_FAILURE;
}
