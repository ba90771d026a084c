/*
 * Which CPU goes on. A random walk changes to another with a probability. PCT (Burckhardt et al.,
 * ASPLOS 2010) runs who has the highest priority, and at d - 1 drawn stops that one gets the lowest;
 * where only one runs for FAIR stops, as a loop that waits for another one, it gets the lowest, too.
 */
#include "steer.h"

#define FAIR 60
#define DEPTH_MAX 8

struct control control;

static uint64_t state;
static double expected = 100; /* stops of an execution, as they come */
static int priority[CPUS_MAX], lowest;
static unsigned change[DEPTH_MAX], current, same;

static uint64_t draw(void)
{
    uint64_t x = state += 0x9e3779b97f4a7c15ull;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

static double draw_unit(void) { return (double)(draw() >> 11) / 9007199254740992.0; }

/* One of the candidates, a bit each. */
static unsigned draw_of(unsigned candidates)
{
    unsigned skip = draw() % (unsigned)__builtin_popcount(candidates);

    while (skip--)
        candidates &= candidates - 1;
    return (unsigned)__builtin_ctz(candidates);
}

void choose_begin(uint64_t window, unsigned cpu)
{
    double horizon = control.horizon ? control.horizon : expected;

    state = control.seed * 0xd1342543de82ef95ull + window;
    for (int n = 0; n < CPUS_MAX; n++)
        priority[n] = n;
    for (unsigned n = CPUS_MAX - 1; n > 0; n--) {
        unsigned other = draw() % (n + 1);
        int was = priority[n];
        priority[n] = priority[other];
        priority[other] = was;
    }
    for (int n = 0; n < DEPTH_MAX; n++)
        change[n] = (unsigned)(draw_unit() * horizon);
    lowest = -1;
    current = cpu;
    same = 0;
}

void choose_end(unsigned stops) { expected += (stops - expected) / 16; }

static unsigned highest(unsigned candidates)
{
    unsigned best = (unsigned)__builtin_ctz(candidates);

    for (unsigned n = best; n < CPUS_MAX; n++)
        if (candidates & 1u << n && priority[n] > priority[best])
            best = n;
    return best;
}

static unsigned next_by_priority(unsigned candidates, unsigned stops)
{
    unsigned best = highest(candidates);
    int changes = same > FAIR;

    for (unsigned n = 0; n + 1 < control.depth && n < DEPTH_MAX; n++)
        changes |= change[n] == stops;
    if (changes) {
        priority[best] = lowest--;
        same = 0;
        best = highest(candidates);
    }
    same = best == current ? same + 1 : 0;
    return current = best;
}

unsigned choose_next(unsigned cpu, const struct place *place, unsigned candidates, unsigned stops)
{
    unsigned others = candidates & ~(1u << cpu);

    if (!others)
        return cpu;
    if (!place) /* it cannot go on */
        return control.mode == MODE_PCT ? highest(others) : draw_of(others);
    if (place->roles & ROLE_YIELD)
        return control.mode == MODE_PCT ? highest(others) : draw_of(others);
    if (control.mode == MODE_PCT)
        return next_by_priority(candidates, stops);
    return draw_unit() < control.probability ? draw_of(others) : cpu;
}
