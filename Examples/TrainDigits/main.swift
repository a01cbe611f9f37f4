// Describes a network with two filter groups, trains it on handwritten digits, saves it, and uses it.
//
//     swift run -c release TrainDigits

import Convoy

let network = try Network(input: [1, 8, 8]) { image in
  image
    .convolution(16, kernel: 3, padding: 1).relu()
    .convolution(32, kernel: 3, padding: 1, groups: 2).relu().maxPooling(2)
    .convolution(64, kernel: 3, padding: 1, groups: 2).relu()
    .convolution(10, kernel: 1).globalAveragePooling().flattened()
}
print(network.cost)

let data = try DataSets.open("digits")
let trainer = try Trainer(
  network, data: data, options: TrainingOptions(epochs: 8, batch: 32, seed: 1))
while !trainer.isFinished {
  let record = try trainer.runEpoch()
  print("epoch \(record.epoch): loss \(record.loss)")
}

let checkpoint = try trainer.checkpoint()
if CommandLine.arguments.count > 1 { try checkpoint.write(to: CommandLine.arguments[1]) }

let evaluation = try Classifier(checkpoint, batch: 64).evaluate(data.test)
print("recognised \(evaluation.correct) of \(evaluation.count) held-out digits")

// Inference alone: a network is compiled once, and run any number of times.
let plan = try checkpoint.model.compiled()
let scores = try plan(data.test.image(at: 0))
print("scores of the first one: \(scores.elements.count) numbers")

// A single operator needs no network.
let edges = try convolution(
  data.test.image(at: 0), Tensor([1, 1, 1, 3], [-1, 0, 1]), padding: .same)
print("its vertical edges: \(edges.shape)")
