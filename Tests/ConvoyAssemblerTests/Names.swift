@testable import ConvoyAssembler

// What the tests use of x86-64, under the names of Intel's manual.

typealias Assembler = X86.Assembler
typealias Address = X86.Address
typealias IntegerOperation = X86.IntegerOperation
typealias Comparison = X86.Comparison
typealias Extraction = X86.Extraction
typealias GeneralRegister = X86.GeneralRegister
typealias InstructionSets = X86.InstructionSets
typealias MaskRegister = X86.MaskRegister
typealias Masking = X86.Masking
typealias Memory = X86.Memory
typealias Move = X86.Move
typealias ProcessorFeatures = X86.ProcessorFeatures
typealias ShiftByImmediate = X86.ShiftByImmediate
typealias ThreeOperands = X86.ThreeOperands
typealias ThreeOperandsAndImmediate = X86.ThreeOperandsAndImmediate
typealias TwoOperands = X86.TwoOperands
typealias TwoOperandsAndImmediate = X86.TwoOperandsAndImmediate
typealias VectorOpcode = X86.VectorOpcode
typealias VectorRegister = X86.VectorRegister
typealias VectorWidth = X86.VectorWidth

let (rax, rcx, rdx, rbx) = (X86.rax, X86.rcx, X86.rdx, X86.rbx)
let (rsp, rbp, rsi, rdi) = (X86.rsp, X86.rbp, X86.rsi, X86.rdi)
let (r8, r9, r10, r11) = (X86.r8, X86.r9, X86.r10, X86.r11)
let (r12, r13, r14, r15) = (X86.r12, X86.r13, X86.r14, X86.r15)
let (eax, ecx, edx, ebx) = (X86.eax, X86.ecx, X86.edx, X86.ebx)
let (k0, k1, k2, k3) = (X86.k0, X86.k1, X86.k2, X86.k3)
let (k4, k5, k6, k7) = (X86.k4, X86.k5, X86.k6, X86.k7)

func xmm(_ number: Int) -> VectorRegister { X86.xmm(number) }
func ymm(_ number: Int) -> VectorRegister { X86.ymm(number) }
func zmm(_ number: Int) -> VectorRegister { X86.zmm(number) }
