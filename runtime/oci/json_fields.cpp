#include "runtime/oci/json_fields.hpp"

#include "base/error.hpp"
#include "runtime/oci/json_text.hpp"

#include <algorithm>

namespace davit::runtime::oci {

const json* Fields::find(const char* key) {
    if (!in_) return nullptr;
    auto found = in_->find(key);
    if (found == in_->end()) return nullptr;
    seen_.emplace_back(key);
    return found->is_null() ? nullptr : &*found; // as other programs write what they do not have
}

void Fields::tell_unseen() {
    for (const auto& [key, value] : in_->items())
        if (std::find(seen_.begin() + static_cast<std::ptrdiff_t>(base_), seen_.end(), key) == seen_.end()) tell(key);
}

std::string Fields::pointer(std::string_view key) const {
    std::string out;
    for (std::size_t i = 0; i < path_.size(); ++i) {
        const Place& p = path_[i];
        if (i == own_at_) out = "/annotations/" + escaped(own_key(p.key, i));
        else out += "/" + escaped(p.key);
        if (p.element) out += "/" + std::to_string(p.index);
    }
    return key.empty() ? out : out + "/" + escaped(key);
}

void Fields::wrong(const char* wanted, const json& found) const {
    refuse(fmt::format("{} is wanted, not {}", wanted, found.type_name()));
}

void Fields::refuse(const std::string& why) const {
    const std::string where = pointer();
    throw error(Errc::failed, "{}: {}", where.empty() ? "/" : where, why);
}

std::string Fields::own_key(const char* key, std::size_t above) const {
    std::string out(own_prefix);
    for (std::size_t i = 0; i < above; ++i) {
        const Place& p = path_[i];
        out.append(p.key) += '.';
        if (p.element) out += std::to_string(p.index) + '.';
    }
    return out + key;
}

std::optional<std::string> Fields::take_own(const char* key) {
    auto node = own_->extract(own_key(key));
    if (node.empty()) return std::nullopt;
    return std::move(node.mapped());
}

json Fields::own_json(const char* key, const std::string& text) const {
    try {
        return parsed(text);
    } catch (const Error& e) {
        throw error(Errc::failed, "/annotations/{}: {}", own_key(key), e.what());
    }
}

} // namespace davit::runtime::oci
