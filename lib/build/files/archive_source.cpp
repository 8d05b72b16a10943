#include "build/files/archive_source.hpp"

#include "archive/inflate.hpp"
#include "base/error.hpp"
#include "base/programs.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace davit::build {

namespace {

constexpr std::size_t magic_size = 6;

// The first bytes again, then the rest.
class Rewound : public archive::ByteSource {
public:
    Rewound(std::string first, archive::ByteSource& rest) : first_(std::move(first)), rest_(rest) {}
    std::size_t read(char* to, std::size_t max) override {
        if (at_ == first_.size()) return rest_.read(to, max);
        const std::size_t n = std::min(max, first_.size() - at_);
        std::memcpy(to, first_.data() + at_, n);
        at_ += n;
        return n;
    }

private:
    std::string first_;
    std::size_t at_ = 0;
    archive::ByteSource& rest_;
};

class ModuleSource : public archive::ByteSource {
public:
    ModuleSource(std::unique_ptr<archive::ByteSource> from, archive::Compression kind)
        : from_(std::move(from)), name_(kind == archive::Compression::xz ? "xz" : "bzip2") {
        void* const entry = open_module("davit-inflate.so", inflate_module_entry);
        inflater_.reset(reinterpret_cast<InflateModuleEntry>(entry)(inflate_module_abi, static_cast<int>(kind)));
        if (!inflater_)
            throw error(Errc::unsupported, "davit-inflate.so is of another version of davit: {} cannot be read", name_);
    }

    std::size_t read(char* to, std::size_t max) override {
        char* out = to;
        std::size_t left = max;
        while (left == max && !ended_) {
            if (size_ == 0 && !last_) {
                size_ = from_->read(buffer_.data(), buffer_.size());
                in_ = buffer_.data();
                last_ = size_ == 0;
            }
            switch (inflater_->step(in_, size_, out, left, last_)) {
            case BlockInflater::Result::going_on:
                if (last_ && left == max) throw error(Errc::failed, "the {} stream is cut short", name_);
                break;
            case BlockInflater::Result::ended: ended_ = true; break;
            case BlockInflater::Result::damaged: throw error(Errc::failed, "the {} stream is damaged", name_);
            case BlockInflater::Result::no_memory:
                throw error(Errc::failed, "the {} stream asks for too much memory", name_);
            }
        }
        return max - left;
    }

private:
    std::unique_ptr<archive::ByteSource> from_;
    const char* name_;
    std::unique_ptr<BlockInflater> inflater_;
    std::vector<char> buffer_ = std::vector<char>(128 * 1024);
    const char* in_ = nullptr;
    std::size_t size_ = 0;
    bool last_ = false, ended_ = false;
};

// Owns what the inflater of lib/archive only refers to.
class OwningSource : public archive::ByteSource {
public:
    explicit OwningSource(std::unique_ptr<archive::ByteSource> from)
        : from_(std::move(from)), plain_(archive::make_inflater(*from_)) {}
    std::size_t read(char* to, std::size_t max) override { return plain_->read(to, max); }

private:
    std::unique_ptr<archive::ByteSource> from_, plain_;
};

} // namespace

std::unique_ptr<archive::ByteSource> plain_bytes(archive::ByteSource& from) {
    std::string first(magic_size, '\0');
    std::size_t have = 0;
    while (have < first.size()) {
        const std::size_t n = from.read(first.data() + have, first.size() - have);
        if (n == 0) break;
        have += n;
    }
    first.resize(have);
    const archive::Compression kind = archive::compression_of(first);
    auto whole = std::make_unique<Rewound>(std::move(first), from);
    if (kind == archive::Compression::bzip2 || kind == archive::Compression::xz)
        return std::make_unique<ModuleSource>(std::move(whole), kind);
    return std::make_unique<OwningSource>(std::move(whole));
}

} // namespace davit::build
