// What users need, under one name: `import Convoy`.
@_exported public import ConvoyBenchmarks
@_exported public import ConvoyCluster
@_exported public import ConvoyDrawing
@_exported public import ConvoyEngine
@_exported public import ConvoyFormats
@_exported public import ConvoyGraphs
public import ConvoyKernels
@_exported public import ConvoyONNX
@_exported public import ConvoyTensors
@_exported public import ConvoyTraining
@_exported public import ConvoyZoo

/// What kernels need to know of a processor; see `CompileOptions.machine`.
public typealias Machine = ConvoyKernels.Machine
