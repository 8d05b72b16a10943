#include "runtime/oci/as_it_came.hpp"

#include "base/json_text.hpp"
#include "runtime/oci/json_text.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace davit::runtime::oci {
namespace {

using nlohmann::json;

void compare(const std::string& at, const json* came, const json* written, std::vector<AsItCame>& out);

void compare_members(const std::string& at, const json& came, const json& written, std::vector<AsItCame>& out) {
    auto find = [](const json& in, const std::string& key) {
        auto found = in.find(key);
        return found == in.end() ? nullptr : &*found;
    };
    for (const auto& [key, value] : came.items()) compare(at + "/" + escaped(key), &value, find(written, key), out);
    for (const auto& [key, value] : written.items())
        if (!came.contains(key)) compare(at + "/" + escaped(key), nullptr, &value, out);
}

void compare(const std::string& at, const json* came, const json* written, std::vector<AsItCame>& out) {
    if (came && written) {
        if (*came == *written) return;
        if (came->is_object() && written->is_object()) return compare_members(at, *came, *written, out);
        // An element is kept whole: where it stands may change.
        if (came->is_array() && written->is_array() && came->size() == written->size()) {
            for (std::size_t i = 0; i < came->size(); ++i)
                if ((*came)[i] != (*written)[i])
                    out.push_back({at + "/" + std::to_string(i), davit::json::strict_text((*came)[i]),
                                   davit::json::strict_text((*written)[i])});
            return;
        }
    }
    out.push_back({at, came ? came->dump() : "", written ? written->dump() : ""});
}

// The members of `came` that are not there.
void add_missing(json& to, const json& came) {
    for (const auto& [key, value] : came.items())
        if (!to.contains(key)) to[key] = value;
}

void put_back_element(json& list, const std::string& index, const json& written, const json& came) {
    const std::size_t at = std::stoul(index);
    if (at < list.size() && list[at] == written) list[at] = came;
    else
        for (json& element : list)
            if (element == written) return void(element = came);
}

void put_back_member(json& object, const std::string& key, const AsItCame& k) {
    auto now = object.find(key);
    if (k.written.empty()) {
        if (now == object.end()) object[key] = davit::json::parse_text(k.came);
        else if (now->is_object()) {
            if (const json came = davit::json::parse_text(k.came); came.is_object()) add_missing(*now, came);
        }
        return;
    }
    if (now == object.end() || *now != davit::json::parse_text(k.written)) return; // it was changed since
    if (k.came.empty()) object.erase(now);
    else *now = davit::json::parse_text(k.came);
}

} // namespace

std::vector<AsItCame> differences(const json& came, const json& written) {
    std::vector<AsItCame> out;
    compare_members("", came, written, out);
    return out;
}

void put_back(json& written, const std::vector<AsItCame>& kept) {
    for (const AsItCame& k : kept) {
        const json::json_pointer at(k.pointer);
        if (!written.contains(at.parent_pointer())) continue;
        json& parent = written[at.parent_pointer()];
        if (parent.is_array())
            put_back_element(parent, at.back(), davit::json::parse_text(k.written), davit::json::parse_text(k.came));
        else if (parent.is_object()) put_back_member(parent, at.back(), k);
    }
}

} // namespace davit::runtime::oci
