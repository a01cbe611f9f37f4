import Convoy
import FuzzDriver

/// Two images of 2×2 pixels, and their labels, in MNIST's form.
let images: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8]
let labels: [UInt8] = [0, 0, 8, 1, 0, 0, 0, 2, 3, 7]

/// Reads bytes as the kind of file that a letter stands for.
func read(_ bytes: [UInt8], as kind: UInt8) {
  switch kind {
  case UInt8(ascii: "p"):
    // A picture: PGM or PPM. PNG and JPEG are read by libraries that are not instrumented.
    if bytes.first == UInt8(ascii: "P") { _ = try? Image(decoding: bytes) }
  case UInt8(ascii: "i"):
    openDataSet([
      "train-images-idx3-ubyte": bytes, "train-labels-idx1-ubyte": labels,
      "t10k-images-idx3-ubyte": images, "t10k-labels-idx1-ubyte": labels,
    ])
  case UInt8(ascii: "l"):
    openDataSet([
      "train-images-idx3-ubyte": images, "train-labels-idx1-ubyte.gz": bytes,
      "t10k-images-idx3-ubyte": images, "t10k-labels-idx1-ubyte": labels,
    ])
  case UInt8(ascii: "c"):
    openDataSet(["train.bin": bytes, "test.bin": bytes])
  case UInt8(ascii: "n"):
    let record = [UInt8](repeating: 1, count: 3074)
    openDataSet(["train.bin": record, "test.bin": record, "fine_label_names.txt": bytes])
  case UInt8(ascii: "g"):
    // A saved graph, which then is compiled and run.
    guard let graph = try? Graph(json: String(decoding: bytes, as: UTF8.self)), graph.isSmall else {
      return
    }
    guard graph.updates.isEmpty else { return graph.runWithVariablesIfSmall() }
    Network(graph).initialized(seed: 1).runIfSmall()
    (try? graph.trainingStep(batch: 2, StepOptions()))?.runWithVariablesIfSmall()
  case UInt8(ascii: "s"):
    guard let study = try? GroupStudy(contentsOf: ScratchFolder.write(bytes, as: "study.json"))
    else { return }
    _ = (study.csv, study.summaries)
  default: break
  }
}

/// Reads a folder with files of given contents as a data set.
private func openDataSet(_ files: [String: [UInt8]]) {
  for (name, bytes) in files { ScratchFolder.write(bytes, as: name) }
  defer { for name in files.keys { ScratchFolder.remove(name) } }
  guard let data = try? DataSets.open(ScratchFolder.path) else { return }
  precondition(data.training.count > 0 && data.test.count > 0)
}
