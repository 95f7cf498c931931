# The entry point of a freestanding guest. Linux starts it with sp at argc and every other register
# undefined (RISC-V ELF psABI, "Process initialization").
    .file   "guests/runtime/start.S" # else the symbol table names a temporary object
    .section .text.start, "ax", @progbits
    .globl  _start
    .type   _start, @function
_start:
    .cfi_startproc
    .cfi_undefined ra               # nobody called us: backtraces end here
    .option push
    .option norelax                 # gp cannot be used to set gp
    lla     gp, __global_pointer$
    .option pop
    mv      a0, sp                  # struct of argc, argv[], 0, environment[], 0, auxiliary vector
    andi    sp, sp, -16             # the ABI keeps the stack 16-byte aligned
    li      ra, 0
    call    start_guest
    unimp                           # start_guest does not return
    .cfi_endproc
    .size   _start, . - _start
    .section .note.GNU-stack, "", @progbits
