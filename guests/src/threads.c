/*
 * POSIX threads, one check a line: what they count, hand over and wait for is the same however they are
 * interleaved. Linked statically with glibc.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 32, ROUNDS = 200, ITEMS = 3000, BUFFER = 8 };

static pthread_t threads[THREADS];

static void check(int ok, const char *what)
{
    printf("%s: %s\n", what, ok ? "ok" : "WRONG");
}

/* Starts `count` threads with their numbers and waits for all; the sum of what they return. */
static intptr_t run_threads(int count, void *(*function)(void *))
{
    intptr_t sum = 0;
    for (intptr_t i = 0; i < count; i++) {
        int error = pthread_create(&threads[i], NULL, function, (void *)i);
        if (error) {
            printf("pthread_create: %s\n", strerror(error));
            exit(1);
        }
    }
    for (int i = 0; i < count; i++) {
        void *result;
        if (pthread_join(threads[i], &result))
            exit(1);
        sum += (intptr_t)result;
    }
    return sum;
}

/* --- creation and join ---------------------------------------------------------------------------- */

static pid_t tids[THREADS];

static void *return_square(void *argument)
{
    intptr_t i = (intptr_t)argument;
    tids[i] = (pid_t)syscall(SYS_gettid);
    return (void *)(i * i);
}

static void creation(void)
{
    check(run_threads(THREADS, return_square) == 31L * 32 * 63 / 6, "results of 32 threads");
    int unique = 1;
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < i; j++)
            unique &= tids[i] != tids[j] && tids[i] != getpid();
    check(unique, "thread ids are unique");
    check(syscall(SYS_gettid) == getpid(), "the first thread's id is the process's");
}

/* --- mutex ---------------------------------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long counter;

static void *count_locked(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        long old = counter;
        if ((i & 15) == ((intptr_t)argument & 15))
            sched_yield();
        counter = old + 1;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void *try_lock(void *argument)
{
    return (void *)(intptr_t)pthread_mutex_trylock(argument);
}

static void *lock_in_time(void *argument)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 2000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    return (void *)(intptr_t)pthread_mutex_timedlock(argument, &until);
}

static void *die_with_lock(void *argument)
{
    pthread_mutex_lock(argument);
    return NULL;
}

static intptr_t in_thread(void *(*function)(void *), void *argument)
{
    void *result;
    if (pthread_create(&threads[0], NULL, function, argument) || pthread_join(threads[0], &result))
        exit(1);
    return (intptr_t)result;
}

static void mutexes(void)
{
    run_threads(THREADS, count_locked);
    check(counter == (long)THREADS * ROUNDS, "a mutex protects a counter");
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_t recursive;
    pthread_mutex_init(&recursive, &attributes);
    check(!pthread_mutex_lock(&recursive) && !pthread_mutex_lock(&recursive), "a recursive mutex");
    check(in_thread(try_lock, &recursive) == EBUSY, "it is busy for another thread");
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_t checked;
    pthread_mutex_init(&checked, &attributes);
    pthread_mutex_lock(&checked);
    check(pthread_mutex_lock(&checked) == EDEADLK, "locking twice is a deadlock");
    check(in_thread(lock_in_time, &checked) == ETIMEDOUT, "a lock is waited for in vain");
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_DEFAULT);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_t robust;
    pthread_mutex_init(&robust, &attributes);
    in_thread(die_with_lock, &robust);
    check(pthread_mutex_lock(&robust) == EOWNERDEAD, "the owner of a robust mutex has died");
    check(!pthread_mutex_consistent(&robust) && !pthread_mutex_unlock(&robust), "it is repaired");
    check(in_thread(die_with_lock, &robust) == 0, "it is locked and left again");
    check(in_thread(lock_in_time, &robust) == EOWNERDEAD, "another thread sees that too");
}

/* --- condition variable --------------------------------------------------------------------------- */

static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;
static int buffer[BUFFER], filled, taken_from, put_to;
static int remaining = ITEMS;

static void *produce(void *argument)
{
    for (int i = (int)(intptr_t)argument; i < ITEMS; i += 4) {
        pthread_mutex_lock(&mutex);
        while (filled == BUFFER)
            pthread_cond_wait(&not_full, &mutex);
        buffer[put_to] = i;
        put_to = (put_to + 1) % BUFFER;
        filled++;
        pthread_cond_signal(&not_empty);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void *consume(void *argument)
{
    (void)argument;
    intptr_t sum = 0;
    for (;;) {
        pthread_mutex_lock(&mutex);
        while (filled == 0 && remaining > 0)
            pthread_cond_wait(&not_empty, &mutex);
        if (remaining == 0) {
            pthread_cond_broadcast(&not_empty);
            pthread_mutex_unlock(&mutex);
            return (void *)sum;
        }
        sum += buffer[taken_from];
        taken_from = (taken_from + 1) % BUFFER;
        filled--;
        remaining--;
        pthread_cond_signal(&not_full);
        pthread_mutex_unlock(&mutex);
    }
}

static void *produce_or_consume(void *argument)
{
    intptr_t i = (intptr_t)argument;
    return i < 4 ? produce(argument) : consume(argument);
}

static void conditions(void)
{
    check(run_threads(10, produce_or_consume) == (long)ITEMS * (ITEMS - 1) / 2,
          "four producers and six consumers");
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    pthread_mutex_lock(&mutex);
    check(pthread_cond_timedwait(&not_empty, &mutex, &until) == ETIMEDOUT, "a condition times out");
    pthread_mutex_unlock(&mutex);
}

/* --- barrier, rwlock, once, semaphore ------------------------------------------------------------- */

static pthread_barrier_t barrier;
static int board[THREADS];

static void *meet(void *argument)
{
    intptr_t i = (intptr_t)argument, serial = 0;
    for (int round = 1; round <= 10; round++) {
        board[i] = round;
        serial += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
        for (int j = 0; j < THREADS; j++)
            if (board[j] != round)
                serial += 1000;
        pthread_barrier_wait(&barrier);
    }
    return (void *)serial;
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static long pair[2];

static void *read_or_write(void *argument)
{
    intptr_t wrong = 0;
    for (int i = 0; i < 100; i++) {
        if ((intptr_t)argument % 4 == 0) {
            pthread_rwlock_wrlock(&rwlock);
            pair[0]++;
            sched_yield();
            pair[1]++;
        } else {
            pthread_rwlock_rdlock(&rwlock);
            long first = pair[0];
            sched_yield();
            wrong += first != pair[1];
        }
        pthread_rwlock_unlock(&rwlock);
    }
    return (void *)wrong;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int initialized;

static void initialize(void)
{
    sched_yield();
    initialized++;
}

static void *initialize_once(void *argument)
{
    (void)argument;
    pthread_once(&once, initialize);
    return (void *)(intptr_t)initialized;
}

static sem_t semaphore, done;
static atomic_int inside, most;

static void *pass(void *argument)
{
    (void)argument;
    for (int i = 0; i < 50; i++) {
        sem_wait(&semaphore);
        int now = atomic_fetch_add(&inside, 1) + 1;
        int seen = atomic_load(&most);
        while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now))
            ;
        sched_yield();
        atomic_fetch_sub(&inside, 1);
        sem_post(&semaphore);
    }
    return NULL;
}

static void *post_done(void *argument)
{
    (void)argument;
    sem_post(&done);
    return NULL;
}

static void others(void)
{
    pthread_barrier_init(&barrier, NULL, THREADS);
    check(run_threads(THREADS, meet) == 10, "a barrier lets 32 threads pass together");
    check(run_threads(THREADS, read_or_write) == 0 && pair[0] == 800, "readers and writers");
    check(run_threads(THREADS, initialize_once) == THREADS, "an initialization runs once");
    sem_init(&semaphore, 0, 3);
    run_threads(THREADS, pass);
    check(most >= 1 && most <= 3 && inside == 0, "a semaphore lets three in");
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sem_init(&done, 0, 0);
    pthread_t detached;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&detached, &attributes, post_done, NULL))
            exit(1);
    for (int i = 0; i < THREADS; i++)
        sem_wait(&done);
    check(1, "detached threads have run");
}

/* --- thread-local storage, cancellation, signals --------------------------------------------------- */

static _Thread_local long local = 7;
static _Thread_local char local_text[24];
static pthread_key_t key;
static atomic_int destroyed;

static void destroy(void *value)
{
    atomic_fetch_add(&destroyed, (int)(intptr_t)value);
}

static void *use_local(void *argument)
{
    intptr_t i = (intptr_t)argument;
    pthread_setspecific(key, (void *)(i + 1));
    for (int round = 0; round < 20; round++) {
        local += i;
        snprintf(local_text, sizeof local_text, "%ld", local);
        errno = (int)i;
        sched_yield();
        if (errno != i || atol(local_text) != 7 + i * (round + 1))
            return (void *)1;
    }
    return (void *)(intptr_t)(pthread_getspecific(key) != (void *)(i + 1));
}

static void *wait_to_be_cancelled(void *argument)
{
    sem_post(argument);
    for (;;)
        pause();
    return NULL;
}

static atomic_int handled;
static pid_t handler_tid;

static void handler(int signal)
{
    (void)signal;
    handler_tid = (pid_t)syscall(SYS_gettid);
    atomic_fetch_add(&handled, 1);
}

static void *wait_for_handler(void *argument)
{
    sem_post(argument);
    while (!atomic_load(&handled))
        usleep(100);
    return (void *)(intptr_t)(handler_tid == syscall(SYS_gettid));
}

static void *wait_for_signal(void *argument)
{
    int signal;
    return (void *)(intptr_t)(sigwait(argument, &signal) ? -1 : signal);
}

static void storage_and_signals(void)
{
    pthread_key_create(&key, destroy);
    check(run_threads(THREADS, use_local) == 0, "thread-local variables are each thread's own");
    check(local == 7, "and main's are untouched");
    check(destroyed == THREADS * (THREADS + 1) / 2, "destructors have run");

    void *result;
    if (pthread_create(&threads[0], NULL, wait_to_be_cancelled, &done))
        exit(1);
    sem_wait(&done);
    check(!pthread_cancel(threads[0]) && !pthread_join(threads[0], &result) &&
              result == PTHREAD_CANCELED,
          "a thread is cancelled");

    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGUSR1, &action, NULL);
    if (pthread_create(&threads[0], NULL, wait_for_handler, &done))
        exit(1);
    sem_wait(&done);
    pthread_kill(threads[0], SIGUSR1);
    pthread_join(threads[0], &result);
    check(result == (void *)1, "pthread_kill runs the handler in the thread");

    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (pthread_create(&threads[0], NULL, wait_for_signal, &set))
        exit(1);
    kill(getpid(), SIGUSR2);
    pthread_join(threads[0], &result);
    check(result == (void *)SIGUSR2, "a thread waits for the process's signal");
}

/* --- pipe and end --------------------------------------------------------------------------------- */

static int ends[2];

static void *read_pipe(void *argument)
{
    (void)argument;
    intptr_t sum = 0;
    char bytes[1000];
    for (ssize_t n; (n = read(ends[0], bytes, sizeof bytes)) > 0;)
        for (ssize_t i = 0; i < n; i++)
            sum += bytes[i];
    return (void *)sum;
}

static void *end_process(void *argument)
{
    pthread_join(*(pthread_t *)argument, NULL);
    puts("main has ended: ok");
    exit(5);
}

int main(void)
{
    creation();
    mutexes();
    conditions();
    others();
    storage_and_signals();

    void *result;
    if (pipe(ends) || pthread_create(&threads[0], NULL, read_pipe, NULL))
        return 1;
    char bytes[5000];
    memset(bytes, 1, sizeof bytes);
    for (int i = 0; i < 100; i++)
        if (write(ends[1], bytes, sizeof bytes) != sizeof bytes)
            return 1;
    close(ends[1]);
    pthread_join(threads[0], &result);
    check(result == (void *)500000, "half a megabyte through a pipe");

    static pthread_t main_thread;
    main_thread = pthread_self();
    if (pthread_create(&threads[0], NULL, end_process, &main_thread))
        return 1;
    fflush(stdout);
    pthread_exit(NULL);
}
