// Compression for registries, beside gzip: one zstd frame.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

namespace davit::archive {

class ZstdStream {
public:
    using Sink = std::function<void(std::string_view)>;
    explicit ZstdStream(Sink sink); // gets the compressed bytes; what it throws passes through
    ~ZstdStream();
    ZstdStream(const ZstdStream&) = delete;

    void data(std::string_view bytes);
    void finish();

private:
    struct State;
    void compress(std::string_view bytes, bool last);
    std::unique_ptr<State> state_;
};

} // namespace davit::archive
