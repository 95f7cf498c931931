# The two ways into a vCPU that C cannot express: after the ecall the stack may be another one, so
# nothing that a compiler has put on the caller's stack may be used.
    .file   "guests/lib/multiprocess-start.S"

# int64_t mp_start(const struct mp_options *options)
#
# In modes shared and call the kernel starts vCPUs at the function itself. In the others they come
# out of the ecall with 0 in a0 and their id in a1; the function and its data are in registers then.
    .section .text.mp_start, "ax", @progbits
    .globl  mp_start
    .type   mp_start, @function
mp_start:
    .cfi_startproc
    ld      a2, 40(a0)              # options->function
    ld      a3, 48(a0)              # options->data
    li      a7, 2000                # MP_SYS_START
    ecall
    beqz    a0, .Lstarted
    ret                             # the caller: a task, or -errno
.Lstarted:
    .cfi_undefined ra               # the vCPU's backtrace ends here
    addi    a0, a1, -1              # ids count from 1, indexes from 0
    mv      a1, a3
    jalr    a2
    li      a7, 111                 # MP_SYS_MULTIPROCESS_WAIT ends a vCPU
    ecall
    unimp                           # not reached
    .cfi_endproc
    .size   mp_start, . - mp_start

# void multiprocess_stacks(unsigned vcpus, void *stacks, size_t stack_size,
#                          mp_function function, void *data)
#
# The first three are where the system call wants them. On a vCPU ra is the kernel's exit stub, so
# the function may return there by itself.
    .section .text.multiprocess_stacks, "ax", @progbits
    .weak   multiprocess_stacks
    .type   multiprocess_stacks, @function
multiprocess_stacks:
    .cfi_startproc
    li      a7, 110                 # MP_SYS_MULTIPROCESS
    ecall
    bnez    a0, .Lforked
    ret                             # the caller
.Lforked:
    addi    a0, a0, -1              # ids count from 1, indexes from 0
    mv      a1, a4
    jr      a3                      # returns to the exit stub
    .cfi_endproc
    .size   multiprocess_stacks, . - multiprocess_stacks

    .section .note.GNU-stack, "", @progbits
