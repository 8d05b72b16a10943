#include "archive/ahead_source.hpp"

#include <algorithm>
#include <cstring>

namespace davit::archive {

AheadSource::AheadSource(ByteSource& from) : from_(from), thread_([this] { produce(); }) {}

AheadSource::~AheadSource() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

// Whole blocks: each costs a change of threads. False: the stream has ended.
bool AheadSource::fill(Block& block) {
    block.bytes.resize(block_size);
    block.size = block.at = 0;
    while (block.size < block_size && !stopping_) {
        const std::size_t n = from_.read(block.bytes.data() + block.size, block_size - block.size);
        if (n == 0) return false;
        block.size += n;
    }
    return true;
}

void AheadSource::produce() {
    for (bool more = true; more;) {
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [&] { return stopping_ || made_ - taken_ < depth; });
            if (stopping_) return;
        }
        std::exception_ptr failure;
        try {
            more = fill(ring_[made_ % depth]);
        } catch (...) {
            failure = std::current_exception();
            more = false;
        }
        {
            std::lock_guard lock(mutex_);
            ++made_;
            ended_ = !more;
            failure_ = failure;
        }
        changed_.notify_all();
    }
}

std::size_t AheadSource::read(char* to, std::size_t max) {
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [&] { return made_ > taken_ || ended_; });
            if (made_ == taken_) {
                if (failure_) std::rethrow_exception(failure_);
                return 0;
            }
        }
        Block& block = ring_[taken_ % depth];
        const std::size_t n = std::min(max, block.size - block.at);
        std::memcpy(to, block.bytes.data() + block.at, n);
        block.at += n;
        if (block.at == block.size) {
            {
                std::lock_guard lock(mutex_);
                ++taken_;
            }
            changed_.notify_all();
        }
        if (n > 0) return n;
    }
}

} // namespace davit::archive
