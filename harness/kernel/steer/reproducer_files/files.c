/* Files of the machine that this runs on. */
#include <fcntl.h>
#include <unistd.h>

#include "host.h"

long host_open(const char *path, int writes)
{
    return open(path, writes ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY, 0644);
}

long host_read(long handle, void *to, uint64_t size) { return read(handle, to, size); }

long host_write(long handle, const void *from, uint64_t size) { return write(handle, from, size); }

void host_close(long handle) { close(handle); }
