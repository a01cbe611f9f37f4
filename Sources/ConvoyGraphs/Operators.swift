/// The operators there are, by the name under which saved graphs know them.
public enum Operators {
  /// Every operator: the one place to add a new one to, so that graphs with it can be saved.
  public static let all: [any Operator.Type] = [
    AdamUpdate.self,
    AllGather.self,
    AllReduce.self,
    AllReduceBegin.self,
    AllReduceEnd.self,
    Arithmetic.self,
    BatchNormalization.self,
    BatchNormalizationGradient.self,
    BatchNormalizationTraining.self,
    Broadcast.self,
    ChannelShuffle.self,
    Concatenation.self,
    Convolution.self,
    ConvolutionWeightGradient.self,
    CrossEntropy.self,
    CrossEntropyGradient.self,
    Dropout.self,
    DropoutTraining.self,
    Elementwise.self,
    ElementwiseGradient.self,
    Linear.self,
    LinearInputGradient.self,
    LinearWeightGradient.self,
    LocalResponseNormalization.self,
    LocalResponseNormalizationGradient.self,
    MatrixProduct.self,
    MomentumUpdate.self,
    Pad.self,
    ParametricReLU.self,
    Pooling.self,
    PoolingGradient.self,
    Reduction.self,
    Repetition.self,
    Reshape.self,
    Resize.self,
    ResizeGradient.self,
    RankShare.self,
    ReduceScatter.self,
    Replicated.self,
    RMSpropUpdate.self,
    Slice.self,
    SliceGradient.self,
    Softmax.self,
    SoftmaxGradient.self,
    Standardization.self,
    Transpose.self,
    TransposedConvolution.self,
  ]

  /// The operator of a name, or nil.
  public static func named(_ name: String) -> (any Operator.Type)? { byName[name] }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
}
