/// The operators there are, by the name under which saved graphs know them.
public enum Operators {
  /// Every operator: the one place to add a new one to, so that graphs with it can be saved.
  public static let all: [any Operator.Type] = [
    AdamUpdate.self,
    Arithmetic.self,
    ChannelShuffle.self,
    Concatenation.self,
    Convolution.self,
    ConvolutionWeightGradient.self,
    Elementwise.self,
    ElementwiseGradient.self,
    MomentumUpdate.self,
    Pad.self,
    Reduction.self,
    Repetition.self,
    Reshape.self,
    RMSpropUpdate.self,
    Slice.self,
    SliceGradient.self,
    Transpose.self,
    TransposedConvolution.self,
  ]

  /// The operator of a name, or nil.
  public static func named(_ name: String) -> (any Operator.Type)? { byName[name] }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
}
