#include "cli/attach/detach_keys.hpp"

#include "base/error.hpp"

namespace davit::cli {

namespace {

Error unknown_key(const std::string& sequence, const std::string& key) {
    return error(Errc::usage, "invalid detach keys ({}): Unknown character: '{}'", sequence, key)
        .with_hint("a letter, or ctrl- and one of a-z, @, [, ], \\, ^, _")
        .with_exit_code(1);
}

} // namespace

DetachKeys::DetachKeys(const std::string& sequence) {
    for (std::size_t i = 0; i < sequence.size();) {
        const std::size_t end = std::min(sequence.find(',', i), sequence.size());
        const std::string key = sequence.substr(i, end - i);
        if (key.size() == 1) {
            keys_ += key;
        } else if (key.size() == 6 && key.starts_with("ctrl-")) {
            const char c = key[5];
            const bool letter = c >= 'a' && c <= 'z';
            if (!letter && std::string_view("@[\\]^_").find(c) == std::string_view::npos)
                throw unknown_key(sequence, key);
            keys_ += static_cast<char>(letter ? c - 'a' + 1 : c - '@');
        } else {
            throw unknown_key(sequence, key);
        }
        i = end + 1;
    }
}

std::string DetachKeys::feed(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        if (keys_.empty() || typed_) {
            if (!typed_) out += c;
            continue;
        }
        if (c != keys_[matched_]) {
            out += keys_.substr(0, matched_);
            matched_ = 0;
        }
        if (c == keys_[matched_]) ++matched_;
        else out += c;
        typed_ = matched_ == keys_.size();
    }
    return out;
}

} // namespace davit::cli
