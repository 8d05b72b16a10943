// The keys that leave a container's terminal without ending its process: ctrl-p ctrl-q.
#pragma once

#include <string>
#include <string_view>

namespace davit::cli {

class DetachKeys {
public:
    // "ctrl-p,ctrl-q", "ctrl-@,x"; empty: none. Throws Error(usage).
    explicit DetachKeys(const std::string& sequence = "ctrl-p,ctrl-q");

    // What is to be passed on of the typed bytes. After the last key of the sequence `typed()` is
    // true and what came before is passed on, the sequence itself is not.
    std::string feed(std::string_view bytes);
    bool typed() const { return typed_; }

private:
    std::string keys_;
    std::size_t matched_ = 0;
    bool typed_ = false;
};

} // namespace davit::cli
