import ConvoyFormats
import ConvoyGraphs
import ConvoyTensors
import ConvoyTraining
import Foundation

// Writes checkpoints to the path given, one after the other, each marked by the number it has, until it is
// killed. Prints a line when the first one stands, so that whoever kills it knows that there is one.
let path = CommandLine.arguments[1]
let network = try Network(input: [1, 8, 8]) { image in
  image.flattened().linear(512).relu().linear(10)
}
let parameters = network.initialized(seed: 1).parameters
var number: Float = 0
while true {
  let marked = try Model(
    network.graph, parameters: parameters.mapValues { Tensor($0.shape, repeating: number) })
  let checkpoint = Checkpoint(
    model: marked, classNames: (0..<10).map { "\($0)" },
    normalization: Normalization(mean: [0], deviation: [1]))
  try checkpoint.write(to: path)
  if number == 0 { try FileHandle.standardOutput.write(contentsOf: Data("ready\n".utf8)) }
  number += 1
}
