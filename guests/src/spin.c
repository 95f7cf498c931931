/* An endless loop: pause it, look at `laps`, set a breakpoint in `lap`, go on. */
#include "guest.h"

volatile uint64_t laps;

static NOINLINE void lap(void)
{
    laps++;
}

int main(void)
{
    print_text("Spinning without end; pause or stop me.\n");
    for (;;)
        lap();
}
