/// The mean and variance of each channel over the images of all ranks, from those of each rank's
/// own images. All ranks have the same number of images.
///
/// Source: T. Chan, G. Golub and R. LeVeque, "Updating Formulae and a Pairwise Algorithm for
/// Computing Sample Variances", 1979.
package struct RankMoments: Kernel {
  /// See `Kernel.name`.
  package let name = "moments of ranks"
  private let channels: Int
  private let ranks: Int
  private let source: Region
  private let mean: Region
  private let variance: Region

  /// - Parameters:
  ///   - source: for each rank, its means followed by its variances.
  ///   - mean: a number for each channel.
  ///   - variance: a number for each channel: the mean of the squared differences from the mean.
  package init(channels: Int, ranks: Int, from source: Region, mean: Region, variance: Region) {
    self.channels = channels
    self.ranks = ranks
    self.source = source
    self.mean = mean
    self.variance = variance
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { 1 }

  /// Combines the moments of all ranks.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let part = 1 / Double(ranks)
    for channel in 0..<channels {
      let first = memory[source] + channel
      func number(_ rank: Int, _ half: Int) -> Double {
        Double(first[(2 * rank + half) * channels])
      }
      let mean = (0..<ranks).reduce(0) { $0 + number($1, 0) } * part
      let squares = (0..<ranks).reduce(0) { sum, rank in
        let distance = number(rank, 0) - mean
        return sum + number(rank, 1) + distance * distance
      }
      memory[self.mean][channel] = Float(mean)
      memory[variance][channel] = Float(squares * part)
    }
  }
}

/// The means of ranks' numbers.
package struct RankMeans: Kernel {
  /// See `Kernel.name`.
  package let name = "means of ranks"
  private let count: Int
  private let ranks: Int
  private let source: Region
  private let target: Region

  /// - Parameters:
  ///   - count: the numbers of each rank.
  ///   - source: each rank's numbers.
  ///   - target: the region of `count` means.
  package init(count: Int, ranks: Int, from source: Region, to target: Region) {
    self.count = count
    self.ranks = ranks
    self.source = source
    self.target = target
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { 1 }

  /// Adds in the order of the ranks.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    for index in 0..<count {
      let sum = (0..<ranks).reduce(0.0) { $0 + Double(memory[source][$1 * count + index]) }
      memory[target][index] = Float(sum / Double(ranks))
    }
  }
}
