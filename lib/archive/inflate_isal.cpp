#include "archive/inflate_isal.hpp"

#include "base/error.hpp"

#if DAVIT_HAVE_ISAL

#include <cstring>
#include <dlfcn.h>
#include <isa-l/igzip_lib.h>
#include <vector>

namespace davit::archive {

namespace {

struct Isal {
    void (*init)(inflate_state*) = nullptr;
    void (*reset)(inflate_state*) = nullptr;
    int (*inflate)(inflate_state*) = nullptr;

    Isal() {
        void* library = ::dlopen("libisal.so.2", RTLD_NOW | RTLD_LOCAL);
        if (!library) return;
        init = reinterpret_cast<decltype(init)>(::dlsym(library, "isal_inflate_init"));
        reset = reinterpret_cast<decltype(reset)>(::dlsym(library, "isal_inflate_reset"));
        inflate = reinterpret_cast<decltype(inflate)>(::dlsym(library, "isal_inflate"));
    }
    bool complete() const { return init && reset && inflate; }
};

const Isal& isal() {
    static const Isal library;
    return library;
}

class IsalSource : public ByteSource {
public:
    IsalSource(ByteSource& from, const std::string& first)
        : from_(from), state_(std::make_unique<inflate_state>()), input_(256 * 1024) {
        std::memcpy(input_.data(), first.data(), first.size());
        isal().init(state_.get());
        begin_member(first.size());
    }

    std::size_t read(char* to, std::size_t max) override {
        state_->next_out = reinterpret_cast<std::uint8_t*>(to);
        state_->avail_out = static_cast<std::uint32_t>(max);
        while (!ended_ && state_->avail_out == max) {
            if (state_->block_state == ISAL_BLOCK_FINISH) {
                next_member();
                continue;
            }
            if (state_->avail_in == 0) refill();
            int rc = isal().inflate(state_.get());
            if (rc != ISAL_DECOMP_OK) throw error(Errc::failed, "the gzip stream is corrupt (ISA-L error {})", rc);
            if (state_->avail_out < max) starved_ = false;
        }
        return max - state_->avail_out;
    }

private:
    void begin_member(std::size_t available) {
        state_->next_in = input_.data();
        state_->avail_in = static_cast<std::uint32_t>(available);
        state_->crc_flag = ISAL_GZIP; // header and trailer are parsed and the CRC is checked
    }

    void refill() {
        // With nothing left to read the decoder may still hold output: it says so by making some.
        std::size_t n = from_.read(reinterpret_cast<char*>(input_.data()), input_.size());
        if (n == 0 && starved_) throw error(Errc::failed, "the gzip stream ends early");
        starved_ = n == 0;
        state_->next_in = input_.data();
        state_->avail_in = static_cast<std::uint32_t>(n);
    }

    void next_member() {
        std::vector<std::uint8_t> rest(state_->next_in, state_->next_in + state_->avail_in);
        while (rest.size() < 2) {
            std::uint8_t more[2];
            std::size_t n = from_.read(reinterpret_cast<char*>(more), 2 - rest.size());
            if (n == 0) break;
            rest.insert(rest.end(), more, more + n);
        }
        if (rest.size() < 2 || rest[0] != 0x1f || rest[1] != 0x8b) {
            from_.skip(UINT64_MAX);
            ended_ = true;
            return;
        }
        auto* out = state_->next_out;
        auto room = state_->avail_out;
        isal().reset(state_.get());
        std::memcpy(input_.data(), rest.data(), rest.size());
        begin_member(rest.size());
        state_->next_out = out;
        state_->avail_out = room;
    }

    ByteSource& from_;
    std::unique_ptr<inflate_state> state_;
    std::vector<std::uint8_t> input_;
    bool ended_ = false;
    bool starved_ = false;
};

} // namespace

bool isal_available() { return isal().complete(); }

std::unique_ptr<ByteSource> make_isal_inflater(ByteSource& from, std::string first) {
    return std::make_unique<IsalSource>(from, first);
}

} // namespace davit::archive

#else

namespace davit::archive {

bool isal_available() { return false; }

std::unique_ptr<ByteSource> make_isal_inflater(ByteSource&, std::string) {
    throw error(Errc::unsupported, "this davit was built without ISA-L");
}

} // namespace davit::archive

#endif
