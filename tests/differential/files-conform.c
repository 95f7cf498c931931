/*
 * System calls on files, a line for each: its name, the result, and the error. Nothing that differs from one file
 * system to the next is printed. Runs in an empty directory of its own below the
 * one that is given, or /tmp.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

static int checks;
/* Only what a granted folder of the host can do too: no FIFOs, no exchange, no hard links to links, no nanoseconds. */
static int plain;

/* One call, its result and error. */
#define T(call)                                                              \
    do {                                                                     \
        errno = 0;                                                           \
        long result = (long)(call);                                          \
        printf("%s = %ld, error %d\n", #call, result, result < 0 ? errno : 0); \
        checks++;                                                            \
    } while (0)
/* A descriptor: only whether there is one. */
#define F(call)                                                              \
    do {                                                                     \
        errno = 0;                                                           \
        long result = (long)(call);                                          \
        printf("%s = %s, error %d\n", #call, result < 0 ? "no" : "open", result < 0 ? errno : 0); \
        if (result >= 0) close(result);                                      \
        checks++;                                                            \
    } while (0)

static char buffer[70000];
static struct stat st;
static const char *bad = (const char *)8;

static void show(const char *path) {
    int fd = open(path, O_RDONLY);
    long count = fd < 0 ? -1 : read(fd, buffer, 200);
    printf("%s holds '%.*s'\n", path, count < 0 ? 0 : (int)count, buffer);
    if (fd >= 0) close(fd);
}

static void opening(void) {
    F(open("new", O_RDONLY));
    F(open("new", O_WRONLY | O_CREAT | O_EXCL, 0644));
    F(open("new", O_WRONLY | O_CREAT | O_EXCL, 0644));
    F(open("new", O_RDONLY | O_DIRECTORY));
    F(open(".", O_WRONLY));
    F(open(".", O_RDONLY | O_CREAT, 0644));
    F(open("x/", O_WRONLY | O_CREAT, 0644));
    F(open("new/", O_RDONLY));
    F(open("new/x", O_RDONLY));
    F(open("no/x", O_WRONLY | O_CREAT, 0644));
    F(open("", O_RDONLY));
    F(open(bad, O_RDONLY));
    F(openat(99, "new", O_RDONLY));
    F(openat(99, "/dev/null", O_RDONLY));
    F(open("/dev/null", O_RDONLY | O_DIRECTORY));
    F(open("new", O_PATH));
    F(open("new", O_RDONLY | O_NOFOLLOW));
    F(open(".", O_TMPFILE | O_RDONLY, 0600));
    F(open("new", O_TMPFILE | O_RDWR, 0600));
    memset(buffer, 'a', 5000);
    buffer[256] = 0;
    F(open(buffer, O_RDONLY));
    buffer[256] = 'a';
    buffer[5000] = 0;
    F(open(buffer, O_RDONLY));
    T(creat(".", 0644));
}

static void reading(void) {
    int fd = open("text", O_RDWR | O_CREAT | O_TRUNC, 0644);
    T(write(fd, "hello world", 11));
    T(write(fd, bad, 5));
    T(write(fd, bad, 0));
    T(lseek(fd, 0, SEEK_CUR));
    T(lseek(fd, -1, SEEK_SET));
    T(lseek(fd, 100, SEEK_END));
    T(lseek(fd, 0, 9));
    T(lseek(fd, 0, SEEK_DATA));
    T(lseek(fd, 0, SEEK_HOLE));
    T(lseek(fd, 50, SEEK_DATA));
    T(lseek(fd, 6, SEEK_SET));
    T(read(fd, buffer, 100));
    T(read(fd, buffer, 100));
    T(pread(fd, buffer, 5, 0));
    T(pread(fd, buffer, 5, -1));
    T(pread(fd, buffer, 5, 1000));
    T(pwrite(fd, "J", 1, 0));
    struct iovec vector[3] = {{buffer, 2}, {buffer + 2, 0}, {buffer + 2, 4}};
    T(preadv(fd, vector, 3, 0));
    volatile int negative = -1;
    T(preadv(fd, vector, negative, 0));
    volatile int many = 2000;
    T(preadv(fd, vector, many, 0));
    T(preadv2(fd, vector, 3, 3, 0));
    T(preadv2(fd, vector, 3, 3, 0x1000));
    T(ftruncate(fd, 5));
    T(ftruncate(fd, -1));
    T(ftruncate(fd, 8));
    T(fallocate(fd, 0, 0, 0));
    T(fallocate(fd, 0, -1, 5));
    T(fallocate(fd, 0, 0, 20));
    T(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 5));
    T(fstat(fd, &st));
    printf("size %ld mode %o links %lu\n", (long)st.st_size, st.st_mode, (unsigned long)st.st_nlink);
    T(fsync(fd));
    T(fdatasync(fd));
    T(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    close(fd);
    T(read(fd, buffer, 1));
    fd = open("text", O_RDONLY);
    T(write(fd, "x", 1));
    T(ftruncate(fd, 0));
    T(fallocate(fd, 0, 0, 5));
    close(fd);
    fd = open("text", O_WRONLY | O_APPEND);
    T(pwrite(fd, "END", 3, 0));
    T(read(fd, buffer, 1));
    T(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND));
    T(fcntl(fd, F_SETFL, 0));
    T(pwrite(fd, "h", 1, 0));
    close(fd);
    T(truncate("text", 3));
    T(truncate(".", 3));
    T(truncate("none", 3));
    fd = open(".", O_RDONLY);
    T(read(fd, buffer, 10));
    T(write(fd, buffer, 10));
    T(ftruncate(fd, 0));
    close(fd);
    fd = open("text", O_PATH);
    T(read(fd, buffer, 1));
    T(fstat(fd, &st));
    T(fchmod(fd, 0600));
    T(fcntl(fd, F_GETFL) & O_PATH ? 1 : 0);
    T(ftruncate(fd, 0));
    T(ioctl(fd, 0x5401, buffer));
    close(fd);
}

static void naming(void) {
    T(mkdir("d", 0755));
    T(mkdir("d", 0755));
    T(mkdir("d/", 0755));
    T(mkdir("none/d", 0755));
    T(mkdir(".", 0755));
    T(mkdir("/", 0755));
    T(mkdir("d/e/", 0755));
    T(rmdir("d"));
    T(rmdir("d/."));
    T(rmdir("d/e/.."));
    T(rmdir("text"));
    T(unlink("d"));
    T(unlink("text/"));
    T(unlink("none"));
    T(unlinkat(AT_FDCWD, "text", 0x400));
    T(symlink("text", "l"));
    T(symlink("text", "l"));
    T(symlink("", "m"));
    T(symlink("loop", "loop"));
    T(symlink("d", "dl"));
    F(open("loop", O_RDONLY));
    F(open("l", O_RDONLY | O_NOFOLLOW));
    F(open("l", O_RDONLY | O_CREAT | O_EXCL, 0644));
    F(open("dl", O_RDONLY | O_NOFOLLOW | O_DIRECTORY));
    F(open("dl/", O_RDONLY | O_NOFOLLOW));
    F(open("l/", O_RDONLY));
    T(readlink("l", buffer, 100));
    T(readlink("l", buffer, 2));
    T(readlink("text", buffer, 100));
    T(readlink("l", buffer, 0));
    T(rmdir("dl"));
    T(rmdir("dl/"));
    T(lstat("l", &st));
    printf("size %ld mode %o\n", (long)st.st_size, st.st_mode);
    T(link("text", "hard"));
    T(link("text", "hard"));
    T(link("d", "dhard"));
    T(link("none", "hard2"));
    if (!plain) {
        T(link("l", "lhard"));
        T(lstat("lhard", &st));
        printf("mode %o\n", st.st_mode & S_IFMT);
    }
    T(linkat(AT_FDCWD, "l", AT_FDCWD, "lhard2", AT_SYMLINK_FOLLOW));
    T(stat("text", &st));
    printf("links %lu\n", (unsigned long)st.st_nlink);
    T(linkat(AT_FDCWD, "l", AT_FDCWD, "x", 0x100));
    T(rename("text", "hard"));
    T(rename("text", "renamed"));
    T(rename("none", "x"));
    T(rename("renamed", "d"));
    T(rename("d", "renamed"));
    T(rename("d", "d/e/x"));
    T(rename("d", "d"));
    T(rename("renamed", "x/"));
    T(rename("d/.", "x"));
    T(rename("d/e", ".."));
    T(mkdir("f", 0700));
    T(rename("f", "d"));
    T(rename("d", "f"));
    T(rename("f", "d"));
    T(syscall(SYS_renameat2, AT_FDCWD, "renamed", AT_FDCWD, "hard", 1));
    if (!plain) {
        T(syscall(SYS_renameat2, AT_FDCWD, "renamed", AT_FDCWD, "d", 2));
        T(syscall(SYS_renameat2, AT_FDCWD, "renamed", AT_FDCWD, "d", 2));
    }
    T(syscall(SYS_renameat2, AT_FDCWD, "renamed", AT_FDCWD, "none", 2));
    T(syscall(SYS_renameat2, AT_FDCWD, "renamed", AT_FDCWD, "hard", 3));
    T(syscall(SYS_renameat2, AT_FDCWD, "renamed", AT_FDCWD, "hard", 8));
    T(rename("renamed", "d"));
    T(rename("d", "renamed2"));
    T(mknod("node", S_IFREG | 0600, 0));
    T(mknod("what", 0777000, 0));
    if (!plain) {
        T(mknod("fifo", S_IFIFO | 0600, 0));
        F(open("fifo", O_WRONLY | O_NONBLOCK));
        F(open("fifo", O_RDONLY | O_NONBLOCK));
    }
    T(chdir("none"));
    T(chdir("node"));
    T(chdir("renamed2"));
    T(mkdir("gone", 0700));
    T(chdir("gone"));
    T(rmdir("../gone"));
    F(open("x", O_CREAT | O_WRONLY, 0600));
    F(open(".", O_RDONLY));
    T(syscall(SYS_getcwd, buffer, 100L));
    T(mkdir("x", 0700));
    T(chdir(".."));
    T(chdir(".."));
    T(syscall(SYS_getcwd, buffer, 1L));
    T(fchdir(99));
    T(fchdir(1));
}

static void attributes(void) {
    int fd = open("attributes", O_CREAT | O_RDWR, 0666);
    T(fchmod(fd, 0640));
    T(fstat(fd, &st));
    printf("mode %o\n", st.st_mode);
    T(chmod("none", 0600));
    T(fchmodat(AT_FDCWD, "attributes", 0604, 0));
    T(faccessat(AT_FDCWD, "attributes", F_OK, 0));
    T(faccessat(AT_FDCWD, "none", F_OK, 0));
    T(syscall(SYS_faccessat, AT_FDCWD, "attributes", 8));
    T(fchown(fd, -1, -1));
    struct timespec times[2] = {{1, 2}, {3, 4}};
    T(futimens(fd, times));
    T(fstat(fd, &st));
    if (!plain) printf("%ld.%ld %ld.%ld\n", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_nsec = 1000000000;
    T(futimens(fd, times));
    times[1].tv_nsec = UTIME_OMIT;
    T(futimens(fd, times));
    T(utimensat(AT_FDCWD, "none", 0, 0));
    struct statx sx;
    T(statx(AT_FDCWD, "attributes", 0, STATX_ALL, &sx));
    printf("mode %o size %ld\n", sx.stx_mode, (long)sx.stx_size);
    T(statx(AT_FDCWD, "attributes", 0x80000, STATX_ALL, &sx));
    T(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_ALL, &sx));
    T(syscall(SYS_newfstatat, AT_FDCWD, "attributes", &st, 0x80000));
    T(syscall(SYS_newfstatat, AT_FDCWD, "", &st, 0));
    T(syscall(SYS_newfstatat, AT_FDCWD, bad, &st, 0));
    T(flock(fd, LOCK_EX | LOCK_NB));
    T(flock(fd, 77));
    int other = open("attributes", O_RDWR);
    T(flock(other, LOCK_SH | LOCK_NB));
    T(flock(fd, LOCK_UN));
    T(flock(other, LOCK_SH | LOCK_NB));
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
    T(fcntl(fd, F_SETLK, &lock));
    T(fcntl(other, F_GETLK, &lock));
    printf("type %d\n", lock.l_type == F_UNLCK);
    T(fcntl(fd, 7777, 0));
    close(fd);
    close(other);
}

static void listing(void) {
    int fd = open(".", O_RDONLY | O_DIRECTORY);
    T(syscall(SYS_getdents64, fd, buffer, 5));
    T(syscall(SYS_getdents64, 1, buffer, 100) < 0);
    close(fd);
    DIR *directory = opendir(".");
    char *names[64];
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != 0 && count < 64;) names[count++] = strdup(entry->d_name);
    closedir(directory);
    for (int i = 0; i < count; i++)
        for (int j = i + 1; j < count; j++)
            if (strcmp(names[i], names[j]) > 0) {
                char *swap = names[i];
                names[i] = names[j];
                names[j] = swap;
            }
    for (int i = 0; i < count; i++) printf("entry %s\n", names[i]);
}

static void others(void) {
    int ends[2];
    T(pipe2(ends, 0x123));
    T(pipe2(ends, O_NONBLOCK));
    T(read(ends[0], buffer, 1));
    T(write(ends[0], buffer, 1));
    T(read(ends[1], buffer, 1));
    T(write(ends[1], buffer, 70000));
    T(write(ends[1], buffer, 1));
    T(lseek(ends[0], 0, SEEK_SET));
    T(pread(ends[0], buffer, 1, 0));
    T(ftruncate(ends[1], 0));
    T(fsync(ends[0]));
    T(fcntl(ends[0], F_GETPIPE_SZ));
    T(read(ends[0], buffer, 65536));
    close(ends[1]);
    T(read(ends[0], buffer, 1));
    struct pollfd polled[2] = {{ends[0], POLLIN, 0}, {99, POLLIN, 0}};
    T(poll(polled, 2, 0));
    printf("%x %x\n", polled[0].revents, polled[1].revents);
    close(ends[0]);
    int counter = eventfd(5, 0);
    T(read(counter, buffer, 4));
    T(read(counter, buffer, 8));
    T(write(counter, buffer, 4));
    T(lseek(counter, 0, SEEK_SET));
    T(eventfd(0, 0x123));
    int instance = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    T(epoll_ctl(instance, EPOLL_CTL_ADD, counter, &event));
    T(epoll_ctl(instance, EPOLL_CTL_ADD, counter, &event));
    T(epoll_ctl(instance, EPOLL_CTL_MOD, 99, &event));
    T(epoll_ctl(instance, 9, counter, &event));
    T(epoll_ctl(instance, EPOLL_CTL_ADD, instance, &event));
    T(epoll_wait(instance, &event, 1, 0));
    T(epoll_wait(instance, &event, 0, 0));
    T(epoll_wait(counter, &event, 1, 0));
    close(instance);
    close(counter);
    F(timerfd_create(99, 0));
    F(timerfd_create(CLOCK_MONOTONIC, 0));
    T(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    T(send(ends[0], "abc", 3, 0));
    T(recv(ends[1], buffer, 10, MSG_PEEK));
    T(recv(ends[1], buffer, 2, 0));
    T(recv(ends[1], buffer, 10, MSG_DONTWAIT));
    T(recv(ends[1], buffer, 10, MSG_DONTWAIT));
    T(shutdown(ends[0], 9));
    T(shutdown(ends[0], SHUT_WR));
    T(recv(ends[1], buffer, 10, 0));
    T(send(ends[0], "x", 1, MSG_NOSIGNAL));
    T(lseek(ends[0], 0, SEEK_SET));
    close(ends[0]);
    close(ends[1]);
    T(dup3(1, 1, 0));
    T(dup3(1, 50, 1));
    T(dup2(99, 50));
    T(dup2(1, 100000));
    T(fcntl(1, F_DUPFD, 100000));
    T(close(99));
    T(close(-1));
    T(syscall(SYS_close_range, 10, 5, 0));
    int memory = memfd_create("m", 0);
    T(write(memory, "memory", 6));
    T(lseek(memory, 0, SEEK_SET));
    int target = open("target", O_CREAT | O_RDWR | O_TRUNC, 0600);
    T(sendfile(target, memory, 0, 100));
    off_t from = 2;
    T(sendfile(target, memory, &from, 2));
    T(copy_file_range(target, &from, target, 0, 0, 0));
    loff_t start = 0;
    T(copy_file_range(memory, &start, target, 0, 3, 0));
    T(copy_file_range(memory, &start, target, 0, 3, 5));
    show("target");
    char *map = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, target, 0);
    map[0] = 'M';
    T(msync(map, 4096, MS_SYNC));
    T(msync(map, 4096, MS_SYNC | MS_ASYNC));
    T(msync(map + 1, 4096, MS_SYNC));
    show("target");
    T(write(target, "!", 1));
    printf("map %.12s\n", map);
    T(munmap(map, 4096));
    close(target);
    target = open("target", O_RDONLY);
    T((long)mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, target, 0) == -1 ? -1 : 0);
    T((long)mmap(0, 4096, PROT_READ, MAP_SHARED, 99, 0) == -1 ? -1 : 0);
    T((long)mmap(0, 4096, PROT_READ, MAP_SHARED, target, 1) == -1 ? -1 : 0);
    close(target);
    close(memory);
}

int main(int argc, char **argv) {
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s/files-conform-XXXXXX", argc > 1 ? argv[1] : "/tmp");
    plain = argc > 2;
    umask(022);
    if (mkdtemp(name) == 0 || chdir(name) != 0) return 1;
    opening();
    reading();
    naming();
    attributes();
    listing();
    others();
    printf("%d checks\n", checks);
    return 0;
}
