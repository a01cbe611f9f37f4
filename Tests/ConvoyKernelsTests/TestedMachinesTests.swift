import Foundation
import Testing

@testable import ConvoyKernels

@Suite struct TestedMachinesTests {
  /// Suites over `GeneratedConvolutionTests.machines` run no case, and so do not fail, on a host that has no
  /// machine with generated code. This test fails there, unless the portable kernels alone are asked for.
  @Test func someMachineRunsGeneratedCode() {
    let isKnown = ProcessInfo.processInfo.environment["CONVOY_ISA"] == Machine.portable.name
    #expect(
      isKnown || !GeneratedConvolutionTests.machines.isEmpty,
      "No generated code was tested; CONVOY_ISA=portable says that this is meant.")
  }
}
