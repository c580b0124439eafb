/* Takes so many MiB of memory, and waits. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **arguments) {
    for (long at = 0; at < atol(arguments[count - 1]); at++) {
        char *block = malloc(1 << 20);
        if (block) memset(block, 1, 1 << 20);
    }
    sleep(60);
    return 0;
}
