/*
 * put PATH: copies standard input to a file of the machine that runs QEMU, by semihosting
 * (-semihosting-config enable=on,target=native,userspace=on). Needs no driver in the kernel.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SYS_OPEN = 1, SYS_CLOSE = 2, SYS_WRITE = 5, MODE_WB = 5 };

static long semihosting(long operation, const uint64_t *block)
{
    register long x0 __asm__("x0") = operation;
    register const uint64_t *x1 __asm__("x1") = block;
    __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
    return x0;
}

int main(int argc, char **argv)
{
    static char buffer[65536];

    if (argc != 2) {
        fprintf(stderr, "usage: put PATH\n");
        return 2;
    }
    uint64_t opening[3] = {(uint64_t)argv[1], MODE_WB, strlen(argv[1])};
    long handle = semihosting(SYS_OPEN, opening);
    if (handle < 0) {
        fprintf(stderr, "put: cannot open %s\n", argv[1]);
        return 1;
    }
    uint64_t closing[1] = {handle};
    for (long got; (got = read(STDIN_FILENO, buffer, sizeof buffer)) > 0;) {
        uint64_t writing[3] = {handle, (uint64_t)buffer, got};
        if (semihosting(SYS_WRITE, writing) != 0) {
            fprintf(stderr, "put: cannot write %s\n", argv[1]);
            return 1;
        }
    }
    return semihosting(SYS_CLOSE, closing) != 0;
}
