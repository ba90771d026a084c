/* The table of places: a line each, ADDRESS ROLES LEVEL NUMBER. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steer.h"

static struct place *places;
static size_t count, room;

static int roles_of(const char *letters)
{
    static const char known[] = "PYJBOSE";
    int roles = 0;

    for (; *letters; letters++) {
        const char *found = strchr(known, *letters);
        if (found)
            roles |= 1 << (found - known);
    }
    return roles;
}

static int by_address(const void *left, const void *right)
{
    const struct place *a = left, *b = right;

    return (a->address > b->address) - (a->address < b->address);
}

int read_places(const char *path)
{
    FILE *file = fopen(path, "r");
    unsigned long long address;
    unsigned level, number;
    char letters[16];

    if (!file)
        return -1;
    while (fscanf(file, "%llx %15s %u %u", &address, letters, &level, &number) == 4) {
        if (count == room) {
            room = room ? room * 2 : 1024;
            places = realloc(places, room * sizeof *places);
            if (!places)
                abort();
        }
        places[count++] = (struct place){address, number, level, roles_of(letters)};
    }
    fclose(file);
    qsort(places, count, sizeof *places, by_address);
    return count ? 0 : -1;
}

const struct place *place_at(uint64_t address)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (places[middle].address == address)
            return &places[middle];
        if (places[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
