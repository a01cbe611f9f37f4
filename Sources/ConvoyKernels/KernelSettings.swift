import ConvoyTensors

/// What decides, besides the problem, which kernel is used.
package struct KernelSettings: Hashable, Sendable {
  /// The machine that the kernel runs on.
  package var machine: Machine
  /// Whether convolutions may be computed by Winograd's algorithm, which is several times faster
  /// and less exact. See `Documentation/Winograd.md`.
  package var allowsWinograd: Bool
  /// Whether weights are packed in every run, as in training, rather than once when compiling.
  package var weightsChange: Bool

  /// Settings for a machine.
  package init(
    machine: Machine = .current, allowsWinograd: Bool = true, weightsChange: Bool = false
  ) {
    self.machine = machine
    self.allowsWinograd = allowsWinograd
    self.weightsChange = weightsChange
  }
}
