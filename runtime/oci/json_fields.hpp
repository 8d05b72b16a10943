// One list of a document's fields for everything that is done with them: each section (sections.hpp) names its
// members once, and a Fields writes them, reads them, or tells which are set that no step acts on.
// For .cpp files only: it pulls in nlohmann/json.
#pragma once

#include "base/json_text.hpp"
#include "runtime/spec.hpp"

#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace davit::runtime::oci {

using nlohmann::json;
using Annotations = std::map<std::string, std::string>;

// What davit needs beyond OCI's words stands in annotations of this prefix and the place it belongs to:
// "dev.davit.process.stdinOpen", "dev.davit.mounts.3.subpath". Text is itself, all else JSON.
inline constexpr std::string_view own_prefix = "dev.davit.";

template <typename T>
inline constexpr bool is_optional = false;
template <typename T>
inline constexpr bool is_optional<std::optional<T>> = true;

class Fields {
public:
    static Fields writer(json& out, Annotations& own) { return Fields(Mode::write, &out, nullptr, &own, nullptr); }
    // own loses what is read from it; unknown gets the pointers of members that nobody asked for.
    static Fields reader(const json& in, Annotations& own, std::vector<std::string>& unknown) {
        return Fields(Mode::read, nullptr, &in, &own, &unknown);
    }
    static Fields idle_finder(std::vector<std::string>& found) {
        return Fields(Mode::idle, nullptr, nullptr, nullptr, &found);
    }
    bool reading() const { return mode_ == Mode::read; }
    bool writing() const { return mode_ == Mode::write; }
    bool finding() const { return mode_ == Mode::idle; }

    // Left out when it is what an absent one means.
    template <typename T>
    void member(const char* key, T& value, const std::type_identity_t<T>& plain = {}) {
        if (writing() && !(value == plain)) (*out_)[key] = encode(value);
        else if (const json* j = find(key)) decode_at(key, *j, value);
    }
    template <typename T>
    void always(const char* key, T& value) {
        if (writing()) (*out_)[key] = encode(value);
        else if (const json* j = find(key)) decode_at(key, *j, value);
    }
    // A member that no step acts on.
    template <typename T>
    void idle(const char* key, T& value, const std::type_identity_t<T>& plain = {}) {
        if (finding() && !(value == plain)) tell(key);
        else member(key, value, plain);
    }
    // In the annotations.
    template <typename T>
    void own(const char* key, T& value, const std::type_identity_t<T>& plain = {}) {
        if (writing() && !(value == plain)) set_own(key, value);
        else if (reading()) get_own(key, value);
    }
    // fn: lists the members of the object below key. It is not written when nothing is in it.
    template <typename F>
    void object(const char* key, F&& fn) {
        if (finding()) return below(key, out_, nullptr, fn);
        if (writing()) {
            json inner = json::object();
            below(key, &inner, nullptr, fn);
            if (!inner.empty()) (*out_)[key] = std::move(inner);
        } else if (const json* j = find(key)) below(key, nullptr, j, fn);
        else absent(key, fn);
    }
    // fn(Fields&, T&) lists one record's members.
    template <typename T, typename F>
    void list(const char* key, std::vector<T>& values, F&& fn) {
        path_.push_back({key, 0, true});
        if (writing() && !values.empty()) {
            json all = json::array();
            for (T& value : values) {
                json one = json::object();
                within(&one, nullptr, [&] { fn(*this, value); });
                all.push_back(std::move(one));
                ++path_.back().index;
            }
            (*out_)[key] = std::move(all);
        } else if (finding()) {
            for (T& value : values) fn(*this, value), ++path_.back().index;
        } else if (const json* j = find(key)) {
            if (!j->is_array()) path_.back().element = false, wrong("a list", *j);
            values.reserve(j->size());
            for (const json& one : *j) {
                within(nullptr, &one, [&] { fn(*this, values.emplace_back()); });
                ++path_.back().index;
            }
        }
        path_.pop_back();
    }
    template <typename T, typename F>
    void table(const char* key, std::map<std::string, T>& values, F&& fn) {
        object(key, [&] {
            if (reading())
                for (const auto& [name, value] : in_->items()) values[name];
            for (auto& [name, value] : values) {
                if (!writing()) object(name.c_str(), [&, &v = value] { fn(*this, v); });
                else {
                    json one = json::object();
                    below(name.c_str(), &one, nullptr, [&, &v = value] { fn(*this, v); });
                    (*out_)[name] = std::move(one);
                }
            }
        });
    }
    // An object that is there or not.
    template <typename T, typename F>
    void maybe(const char* key, std::optional<T>& value, F&& fn) {
        if (const json* j = find(key)) {
            below(key, nullptr, j, [&] { fn(*this, value.emplace()); });
        } else if (writing() && value) {
            json one = json::object();
            below(key, &one, nullptr, [&] { fn(*this, *value); });
            (*out_)[key] = std::move(one);
        }
    }
    template <typename T, typename F>
    void idle_list(const char* key, std::vector<T>& values, F&& fn) {
        if (finding() && !values.empty()) tell(key);
        else if (!finding()) list(key, values, fn);
    }
    template <typename T, typename F>
    void idle_table(const char* key, std::map<std::string, T>& values, F&& fn) {
        if (finding() && !values.empty()) tell(key);
        else if (!finding()) table(key, values, fn);
    }
    template <typename T, typename F>
    void idle_maybe(const char* key, std::optional<T>& value, F&& fn) {
        if (finding() && value) tell(key);
        else if (!finding()) maybe(key, value, fn);
    }

    // When all of a document was read.
    void finish() {
        if (in_ && seen_.size() < in_->size()) tell_unseen();
    }

    // For what no rule above fits. nullptr: not there, or not reading.
    const json* find(const char* key);
    json& out() { return *out_; }
    // "/mounts/3", then "/key".
    std::string pointer(std::string_view key = {}) const;
    void tell(std::string_view key) const { told_->push_back(pointer(key)); }
    void tell_below(std::string_view part, std::string_view key) const {
        told_->push_back(pointer(part) + "/" + std::string(key));
    }
    void tell_element(std::string_view list, int index) const {
        told_->push_back(pointer(list) + "/" + std::to_string(index));
    }
    [[noreturn]] void wrong(const char* wanted, const json& found) const;
    [[noreturn]] void refuse(const std::string& why) const;
    [[noreturn]] void wrong_at(const char* key, const char* wanted, const json& found) {
        path_.push_back({key, 0, false});
        wrong(wanted, found);
    }
    template <typename T>
    void decode_at(const char* key, const json& j, T& out) {
        path_.push_back({key, 0, false});
        decode(j, out);
        path_.pop_back();
    }

private:
    enum class Mode { write, read, idle };
    struct Place {
        const char* key;
        std::size_t index;
        bool element; // of the list `key`
    };
    Fields(Mode mode, json* out, const json* in, Annotations* own, std::vector<std::string>* told)
        : mode_(mode), out_(out), in_(in), own_(own), told_(told) {
        if (in && !in->is_object()) wrong("an object", *in);
    }

    template <typename F>
    void within(json* out, const json* in, F&& fn) {
        if (in && !in->is_object()) wrong("an object", *in);
        json* outer_out = std::exchange(out_, out);
        const json* outer_in = std::exchange(in_, in);
        const std::size_t outer_base = std::exchange(base_, seen_.size());
        fn();
        if (in_ && seen_.size() - base_ < in_->size()) tell_unseen();
        seen_.resize(base_);
        base_ = outer_base, in_ = outer_in, out_ = outer_out;
    }
    template <typename F>
    void below(const char* key, json* out, const json* in, F&& fn) {
        path_.push_back({key, 0, false});
        within(out, in, fn);
        path_.pop_back();
    }
    // Own fields below it are read all the same.
    template <typename F>
    void absent(const char* key, F&& fn) {
        static const json nothing = json::object();
        below(key, nullptr, &nothing, fn);
    }
    void tell_unseen();
    std::string own_key(const char* key, std::size_t above) const;
    std::string own_key(const char* key) const { return own_key(key, path_.size()); }
    void set_own_text(const char* key, std::string text) { (*own_)[own_key(key)] = std::move(text); }
    std::optional<std::string> take_own(const char* key);
    json own_json(const char* key, const std::string& text) const;

    template <typename T>
    void set_own(const char* key, const T& value) {
        if constexpr (std::is_same_v<T, std::string>) set_own_text(key, value);
        else set_own_text(key, davit::json::strict_text(encode(value)));
    }
    template <typename T>
    void get_own(const char* key, T& value) {
        auto text = take_own(key);
        if (!text) return;
        if constexpr (std::is_same_v<T, std::string>) value = std::move(*text);
        else {
            const json j = own_json(key, *text);
            own_at_ = path_.size();
            decode_at(key, j, value);
            own_at_ = no_own;
        }
    }

    template <typename T>
    static json encode(const T& value) {
        if constexpr (is_optional<T>) return encode(*value);
        else return value;
    }
    void decode(const json& j, bool& out) const {
        j.is_boolean() ? void(out = j.get<bool>()) : wrong("true or false", j);
    }
    void decode(const json& j, std::string& out) const {
        j.is_string() ? void(out = j.get_ref<const std::string&>()) : wrong("text", j);
    }
    template <typename T>
    requires std::is_integral_v<T>
    void decode(const json& j, T& out) const {
        if (!j.is_number_integer()) wrong("a whole number", j);
        const bool fits =
            j.is_number_unsigned() ? std::in_range<T>(j.get<std::uint64_t>()) : std::in_range<T>(j.get<std::int64_t>());
        if (!fits) wrong("a number in range", j);
        out = j.is_number_unsigned() ? static_cast<T>(j.get<std::uint64_t>()) : static_cast<T>(j.get<std::int64_t>());
    }
    template <typename T>
    void decode(const json& j, std::optional<T>& out) {
        decode(j, out.emplace());
    }
    template <typename T>
    void decode(const json& j, std::vector<T>& out) {
        if (!j.is_array()) wrong("a list", j);
        out.clear();
        path_.back().element = true;
        for (const json& one : j) decode(one, out.emplace_back()), ++path_.back().index;
        path_.back().element = false;
    }
    void decode(const json& j, std::pair<std::string, std::string>& out) {
        if (!j.is_array() || j.size() != 2) wrong("a list of two", j);
        decode(j[0], out.first), decode(j[1], out.second);
    }
    void decode(const json& j, std::map<std::string, std::string>& out) {
        if (!j.is_object()) wrong("an object", j);
        for (const auto& [key, value] : j.items()) decode_at(key.c_str(), value, out[key]);
    }

    Mode mode_;
    json* out_;
    const json* in_;
    Annotations* own_;
    std::vector<std::string>* told_;
    std::vector<Place> path_;
    std::vector<std::string_view> seen_; // members that were asked for and found, of all objects from the top to here
    static constexpr std::size_t no_own = ~std::size_t{0};
    std::size_t own_at_ = no_own; // the place in path_ of an own field that is being read
    std::size_t base_ = 0;        // where this object's begin
};

} // namespace davit::runtime::oci
