// Reads a stream ahead in a thread of its own, so that what makes the bytes (download, digest,
// inflation) and what takes them (digest, untar) run at the same time.
#pragma once

#include "archive/byte_source.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace davit::archive {

class AheadSource : public ByteSource {
public:
    explicit AheadSource(ByteSource& from);
    // Waits for the read that is going on; afterwards `from` is the caller's again.
    ~AheadSource() override;
    // What `from` threw is thrown here, after the bytes that came before it.
    std::size_t read(char* to, std::size_t max) override;

private:
    struct Block {
        std::vector<char> bytes;
        std::size_t size = 0, at = 0;
    };
    static constexpr std::size_t block_size = 256 * 1024;
    static constexpr std::size_t depth = 4; // blocks: 1 MiB a layer

    void produce();
    bool fill(Block& block);

    ByteSource& from_;
    std::array<Block, depth> ring_;
    std::size_t made_ = 0, taken_ = 0; // counts of blocks
    bool ended_ = false;
    std::atomic<bool> stopping_{false};
    std::exception_ptr failure_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::thread thread_; // last: it uses all the others
};

} // namespace davit::archive
