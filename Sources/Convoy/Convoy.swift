@_exported public import ConvoyTensors
