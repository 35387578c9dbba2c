// void *grove__switch_registers(void **save, void *to, void *pass)
//   Pushes what a called function must keep, stores the stack pointer in *save, takes `to` for it, pops the same
//   from there and returns `pass` to whoever called it there. Both stacks have the same layout at the moment of
//   the change, so one unwind description holds before and after.
// grove__switch_enter
//   The first thing on a new stack: calls entry(user, passed). Unwinders stop here.
//
// It leaves by a return instruction. The processor's return predictor holds the callers on the *other* stack, and
// yet is right, because every switch is called from the one place in grove__fiber_switch: measured 6 ns. A jump
// would leave that prediction unused and every later one off by a level: 12 ns. (Were the switch inlined into
// many places, it would be the other way round.) Of the 6 ns, floating point control takes 3.
//
// A file of its own, not asm in C, because compilers mark C objects as fit for shadow stacks when asked to, and
// this one isn't.
#include "plat/switch.h"

#if defined(GROVE__SWITCH_ASM)
  .text
  .globl grove__switch_registers
  .hidden grove__switch_registers
  .type grove__switch_registers, %function
  .globl grove__switch_enter
  .hidden grove__switch_enter
  .type grove__switch_enter, %function

#if defined(__x86_64__)

  .p2align 4
grove__switch_registers:
  .cfi_startproc
  pushq %rbp
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbp, 0
  pushq %rbx
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbx, 0
  pushq %r12
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r12, 0
  pushq %r13
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r13, 0
  pushq %r14
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r14, 0
  pushq %r15
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r15, 0
  subq $8, %rsp
  .cfi_adjust_cfa_offset 8
  stmxcsr (%rsp)
  fnstcw 4(%rsp)
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  ldmxcsr (%rsp)
  fldcw 4(%rsp)
  addq $8, %rsp
  .cfi_adjust_cfa_offset -8
  popq %r15
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r15
  popq %r14
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r14
  popq %r13
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r13
  popq %r12
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r12
  popq %rbx
  .cfi_adjust_cfa_offset -8
  .cfi_restore %rbx
  popq %rbp
  .cfi_adjust_cfa_offset -8
  .cfi_restore %rbp
  movq %rdx, %rax
  ret
  .cfi_endproc
  .size grove__switch_registers, . - grove__switch_registers

  .p2align 4
grove__switch_enter:
  .cfi_startproc
  .cfi_undefined %rip
  movq %rbx, %rdi
  movq %rax, %rsi
  callq *%r12
  ud2
  .cfi_endproc
  .size grove__switch_enter, . - grove__switch_enter

#elif defined(__aarch64__)

  .p2align 4
grove__switch_registers:
  .cfi_startproc
  sub sp, sp, #176
  .cfi_adjust_cfa_offset 176
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  .cfi_rel_offset x19, 0
  .cfi_rel_offset x20, 8
  .cfi_rel_offset x21, 16
  .cfi_rel_offset x22, 24
  .cfi_rel_offset x23, 32
  .cfi_rel_offset x24, 40
  .cfi_rel_offset x25, 48
  .cfi_rel_offset x26, 56
  .cfi_rel_offset x27, 64
  .cfi_rel_offset x28, 72
  .cfi_rel_offset x29, 80
  .cfi_rel_offset x30, 88
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mrs x9, fpcr
  str x9, [sp, #160]
  mov x10, sp
  str x10, [x0]
  mov sp, x1
  ldr x10, [sp, #160]
  cmp x9, x10
  b.eq 1f
  msr fpcr, x10 // slow, and nearly never needed
1:
  ldp d14, d15, [sp, #144]
  ldp d12, d13, [sp, #128]
  ldp d10, d11, [sp, #112]
  ldp d8, d9, [sp, #96]
  ldp x29, x30, [sp, #80]
  ldp x27, x28, [sp, #64]
  ldp x25, x26, [sp, #48]
  ldp x23, x24, [sp, #32]
  ldp x21, x22, [sp, #16]
  ldp x19, x20, [sp, #0]
  add sp, sp, #176
  .cfi_adjust_cfa_offset -176
  .cfi_restore x19
  .cfi_restore x20
  .cfi_restore x21
  .cfi_restore x22
  .cfi_restore x23
  .cfi_restore x24
  .cfi_restore x25
  .cfi_restore x26
  .cfi_restore x27
  .cfi_restore x28
  .cfi_restore x29
  .cfi_restore x30
  mov x0, x2
  ret
  .cfi_endproc
  .size grove__switch_registers, . - grove__switch_registers

  .p2align 4
grove__switch_enter:
  .cfi_startproc
  .cfi_undefined x30
  mov x1, x0
  mov x0, x19
  mov x29, #0
  mov x30, #0
  blr x20
  brk #1
  .cfi_endproc
  .size grove__switch_enter, . - grove__switch_enter

#endif
#endif

#if defined(__linux__) && defined(__ELF__)
  .section .note.GNU-stack, "", %progbits
#endif
