/* Tries what no command of a sandbox may do. One line for each attempt: its name, then the error's name, or `done`
 * where it worked. Arguments: the name of an abstract socket of the host, a port of the host, a path of the host, a
 * process of the host. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *name, long result) {
    const char *error = "done";
    static char number[16];
    if (result < 0) {
        switch (errno) {
        case EACCES: error = "EACCES"; break;
        case EADDRNOTAVAIL: error = "EADDRNOTAVAIL"; break;
        case EAFNOSUPPORT: error = "EAFNOSUPPORT"; break;
        case EBUSY: error = "EBUSY"; break;
        case ECONNREFUSED: error = "ECONNREFUSED"; break;
        case EINVAL: error = "EINVAL"; break;
        case ENETUNREACH: error = "ENETUNREACH"; break;
        case ENOENT: error = "ENOENT"; break;
        case ENOSYS: error = "ENOSYS"; break;
        case EPERM: error = "EPERM"; break;
        case EROFS: error = "EROFS"; break;
        case ESRCH: error = "ESRCH"; break;
        default: snprintf(number, sizeof number, "%d", errno); error = number;
        }
    }
    printf("%s %s\n", name, error);
    fflush(stdout);
}

#define TRY(name, call) do { errno = 0; say(name, (long)(call)); } while (0)

static long connect4(int type, const char *address, int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, address, &to.sin_addr);
    int fd = socket(AF_INET, type, 0);
    return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&to, sizeof to);
}

static long connect6(int type, const char *address, int port) {
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    inet_pton(AF_INET6, address, &to.sin6_addr);
    int fd = socket(AF_INET6, type, 0);
    return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&to, sizeof to);
}

static long connect_abstract(const char *name) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    memcpy(to.sun_path + 1, name, strlen(name));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return connect(fd, (struct sockaddr *)&to, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

static long raise_limit(int resource) {
    struct rlimit limit;
    getrlimit(resource, &limit);
    if (limit.rlim_max == RLIM_INFINITY) return 0;
    limit.rlim_max += 1;
    return setrlimit(resource, &limit);
}

static long read_some(const char *path) {
    char byte;
    int fd = open(path, O_RDONLY);
    if (fd < 0) return -1;
    return read(fd, &byte, 1);
}

static void network(const char *abstract, int port) {
    TRY("ipv4", connect4(SOCK_STREAM, "192.0.2.1", 80));
    TRY("ipv4-datagram", connect4(SOCK_DGRAM, "192.0.2.1", 53));
    TRY("ipv4-loopback", connect4(SOCK_STREAM, "127.0.0.1", port));
    TRY("ipv6", connect6(SOCK_STREAM, "2001:db8::1", 80));
    TRY("ipv6-loopback", connect6(SOCK_STREAM, "::1", port));
    TRY("ipv4-raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    TRY("abstract", connect_abstract(abstract));
    TRY("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
    TRY("packet", socket(AF_PACKET, SOCK_RAW, 0));
    TRY("vsock", socket(40, SOCK_STREAM, 0));
    TRY("alg", socket(38, SOCK_SEQPACKET, 0));
    TRY("socket-high-bits", syscall(SYS_socket, 0x100000000L + AF_NETLINK, SOCK_RAW, 0));
}

static void files(const char *path) {
    char name[4200];
    TRY("host-file", open(path, O_RDONLY));
    snprintf(name, sizeof name, "/../../../..%s", path);
    TRY("host-file-dots", open(name, O_RDONLY));
    snprintf(name, sizeof name, "/proc/1/root%s", path);
    TRY("host-file-init", open(name, O_RDONLY));
    snprintf(name, sizeof name, "/proc/self/root%s", path);
    TRY("host-file-self", open(name, O_RDONLY));
    TRY("sys", open("/sys", O_RDONLY));
    const char *hidden[] = {"sys/kernel/hostname", "kcore", "cmdline", "version", "kallsyms", "keys", "meminfo", "bus"};
    for (unsigned at = 0; at < sizeof hidden / sizeof *hidden; at++) {
        snprintf(name, sizeof name, "/proc/%s", hidden[at]);
        char line[64];
        snprintf(line, sizeof line, "proc-%s", hidden[at]);
        TRY(line, open(name, O_RDONLY));
    }
    TRY("device-disk", open("/dev/vda", O_RDONLY));
    TRY("device-memory", open("/dev/mem", O_RDONLY));
    TRY("device-log", open("/dev/kmsg", O_RDONLY));
    TRY("device-new", open("/dev/new", O_CREAT | O_WRONLY, 0600));
    TRY("mknod-char", mknod("/tmp/null", S_IFCHR | 0666, 0x103));
    TRY("mknod-block", mknod("/tmp/disk", S_IFBLK | 0666, 0x800));
    TRY("mknod-whiteout", mknod("/tmp/whiteout", S_IFCHR, 0));
    TRY("root-create", open("/bin/new", O_CREAT | O_WRONLY, 0644));
    TRY("root-write", open("/bin/cat", O_WRONLY));
    TRY("root-unlink", unlink("/bin/cat"));
    TRY("root-chmod", chmod("/bin/cat", 0777));
    TRY("root-rename", rename("/bin/cat", "/bin/dog"));
    TRY("root-mkdir", mkdir("/new", 0755));
    TRY("root-link", link("/bin/cat", "/tmp/cat"));
    TRY("out-rename", rename("/out", "/build/out"));
    TRY("out-rmdir", rmdir("/out"));
    TRY("out-symlink", symlink("/etc", "/out"));
    struct { unsigned bytes; int type; char handle[128]; } handle = {128, 0, ""};
    int id;
    TRY("name-to-handle", syscall(SYS_name_to_handle_at, AT_FDCWD, "/", &handle, &id, 0));
    TRY("open-by-handle", syscall(SYS_open_by_handle_at, 0, &handle, O_RDONLY));
}

static void mounts(void) {
    TRY("mount", mount("none", "/tmp", "tmpfs", 0, ""));
    TRY("mount-bind", mount("/bin", "/tmp", NULL, MS_BIND, NULL));
    TRY("remount", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
    TRY("umount", umount2("/proc", MNT_DETACH));
    TRY("umount-out", umount2("/out", MNT_DETACH));
    TRY("chroot", chroot("/tmp"));
    TRY("pivot-root", syscall(SYS_pivot_root, "/tmp", "/tmp"));
    TRY("open-tree", syscall(428, AT_FDCWD, "/", 1));
    TRY("fsopen", syscall(430, "tmpfs", 0));
    TRY("mount-setattr", syscall(442, AT_FDCWD, "/", 0, NULL, 0));
}

static void processes(int other) {
    TRY("ptrace-init", ptrace(PTRACE_ATTACH, 1, 0, 0));
    TRY("ptrace-host", ptrace(PTRACE_ATTACH, other, 0, 0));
    TRY("kill-host", kill(other, 0));
    TRY("init-environment", read_some("/proc/1/environ"));
    TRY("init-memory", read_some("/proc/1/mem"));
    TRY("init-maps", read_some("/proc/1/maps"));
    TRY("init-files", open("/proc/1/fd", O_RDONLY | O_DIRECTORY));
    TRY("init-folder", open("/proc/1/cwd", O_RDONLY | O_DIRECTORY));
    TRY("init-program", open("/proc/1/exe", O_RDONLY));
    TRY("init-vm", syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0));
    TRY("init-file", syscall(438, syscall(SYS_pidfd_open, 1, 0), 0, 0));
    TRY("kill-init", syscall(SYS_kill, 1, SIGKILL));
    TRY("unshare-user", unshare(CLONE_NEWUSER));
    TRY("unshare-mount", unshare(CLONE_NEWNS));
    TRY("unshare-network", unshare(CLONE_NEWNET));
    TRY("clone-user", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
    TRY("clone3", syscall(435, NULL, 0));
    TRY("setns", setns(open("/proc/self/ns/user", O_RDONLY), 0));
    TRY("setuid", setuid(0));
    TRY("setgroups", syscall(SYS_setgroups, 0, NULL));
    TRY("limit-processes", raise_limit(RLIMIT_NPROC));
    TRY("limit-core", raise_limit(RLIMIT_CORE));
    TRY("limit-files", raise_limit(RLIMIT_NOFILE));
    TRY("limit-locked", raise_limit(RLIMIT_MEMLOCK));
    TRY("nice", setpriority(PRIO_PROCESS, 0, -20));
}

static void kernel(void) {
    struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE, .size = sizeof event};
    char buffer[256] = "";
    TRY("keyctl", syscall(SYS_keyctl, 0, -3, 1));
    TRY("add-key", syscall(SYS_add_key, "user", "x", "y", 1, -2));
    TRY("request-key", syscall(SYS_request_key, "user", "x", NULL, 0));
    TRY("io-uring", syscall(425, 8, buffer));
    TRY("bpf", syscall(SYS_bpf, 0, buffer, sizeof buffer));
    TRY("perf", syscall(SYS_perf_event_open, &event, 0, -1, -1, 0));
    TRY("userfaultfd", syscall(SYS_userfaultfd, 1));
    TRY("fanotify", syscall(SYS_fanotify_init, 0, 0));
    TRY("module", syscall(SYS_init_module, buffer, 1, ""));
    TRY("kexec", syscall(SYS_kexec_load, 0, 0, NULL, 0));
    TRY("reboot", syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL));
    TRY("swapon", syscall(SYS_swapon, "/tmp/x", 0));
    TRY("acct", syscall(SYS_acct, NULL));
    TRY("syslog", syscall(SYS_syslog, 3, buffer, 16));
    TRY("clock", syscall(SYS_clock_settime, 0, buffer));
    TRY("hostname", sethostname("x", 1));
    TRY("tiocsti", ioctl(0, TIOCSTI, "x"));
    TRY("tiocsti-high-bits", syscall(SYS_ioctl, 0, 0x100000000L + TIOCSTI, "x"));
    TRY("tioclinux", ioctl(0, TIOCLINUX, buffer));
#ifdef __x86_64__
    TRY("x32", syscall(0x40000000 + SYS_getpid));
    TRY("iopl", syscall(SYS_iopl, 3));
    fflush(stdout);
    if (fork() == 0) {
        long result;
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
        errno = (int)-result;
        say("i386", result);
        _exit(0);
    }
    wait(NULL);
#endif
}

static void state(void) {
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (!strncmp(line, "Cap", 3) || !strncmp(line, "NoNewPrivs", 10) || !strncmp(line, "Seccomp:", 8))
            printf("state %s", line);
    if (status) fclose(status);
    DIR *folder = opendir("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(folder)) printf("descriptor %s\n", entry->d_name);
    closedir(folder);
    gethostname(line, sizeof line);
    printf("state uid=%d gid=%d euid=%d host=%s pid=%d\n", getuid(), getgid(), geteuid(), line, getpid());
}

int main(int count, char **arguments) {
    if (count < 5) {
        state();
        return 0;
    }
    state();
    network(arguments[1], atoi(arguments[2]));
    files(arguments[3]);
    mounts();
    processes(atoi(arguments[4]));
    kernel();
    TRY("end", 0);
    return 0;
}
