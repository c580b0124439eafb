/* Leaves a process behind that has a session of its own, no open file, and ignores every signal it can. */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int main(void) {
    if (fork()) {
        while (access("/tmp/started", F_OK)) usleep(1000);
        return 0;
    }
    setsid();
    if (fork()) return 0;
    for (int number = 1; number < 65; number++) signal(number, SIG_IGN);
    for (int number = 0; number < 64; number++) close(number);
    int file = open("/tmp/new", O_CREAT | O_WRONLY, 0644);
    if (write(file, "started\n", 8) == 8) link("/tmp/new", "/tmp/started");
    for (;;) pause();
}
