// What users need, under one name: `import Convoy`.
@_exported public import ConvoyEngine
@_exported public import ConvoyFormats
@_exported public import ConvoyGraphs
@_exported public import ConvoyTensors
@_exported public import ConvoyTraining
@_exported public import ConvoyZoo
