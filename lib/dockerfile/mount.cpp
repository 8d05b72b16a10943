#include "dockerfile/mount.hpp"

#include "base/units.hpp"
#include "base/words.hpp"
#include "dockerfile/place.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>
#include <charconv>

namespace davit::dockerfile {

namespace {

using Type = RunMount::Type;
using Sharing = RunMount::Sharing;

struct MountType {
    std::string_view name;
    Type type;
    bool has_owner;   // mode, uid, gid
    bool may_require; // required
    bool read_only;   // unless told otherwise
};
constexpr MountType mount_types[] = {
    {"bind", Type::bind, false, false, true},    {"cache", Type::cache, true, false, false},
    {"tmpfs", Type::tmpfs, false, false, false}, {"secret", Type::secret, true, true, true},
    {"ssh", Type::ssh, true, true, true},
};
constexpr std::pair<std::string_view, Sharing> sharings[] = {
    {"shared", Sharing::shared}, {"private", Sharing::private_}, {"locked", Sharing::locked}};

struct Field {
    std::string key, value;
    bool has_value;
};

Field field_of(const std::string& text) {
    auto equals = text.find('=');
    return {lower(text.substr(0, equals)), equals == std::string::npos ? "" : text.substr(equals + 1),
            equals != std::string::npos};
}

std::optional<unsigned> number_of(const std::string& text, int base) {
    unsigned out = 0;
    auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out, base);
    if (failure != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return out;
}

class MountReader {
public:
    explicit MountReader(const Place& place) : place_(place) {}

    void take(const Field& field) {
        for (const Key& key : keys)
            if (key.name == field.key) {
                if (!field.has_value && !key.may_stand_alone)
                    fail("{} of --mount wants a value", field.key, "write " + field.key + "=VALUE");
                (this->*key.take)(field);
                return;
            }
        std::vector<std::string_view> names;
        for (const Key& key : keys) names.push_back(key.name);
        auto near = nearest(field.key, names);
        fail("--mount has no key '{}'", field.key,
             near ? "did you mean " + std::string(*near) + "?" : "keys look like target=/path");
    }

    WrittenMount finish(std::string_view working_dir, int ssh_sockets) {
        RunMount& m = out_.mount;
        m.type = type_->type;
        m.read_only = read_only_.value_or(type_->read_only);
        if (!type_->has_owner && (m.mode || m.uid || m.gid)) not_for_type("mode, uid and gid");
        if (sharing_given_ && m.type != Type::cache) not_for_type("sharing");
        if (m.type != Type::secret) m.env.reset(); // BuildKit takes it everywhere, and heeds it there alone
        if (m.type == Type::secret || m.type == Type::ssh) finish_given(working_dir, ssh_sockets);
        else finish_files(working_dir);
        return std::move(out_);
    }

private:
    struct Key {
        std::string_view name;
        void (MountReader::*take)(const Field&);
        bool may_stand_alone = false;
    };
    static const Key keys[19];

    [[noreturn]] void fail(fmt::format_string<const std::string&> text, const std::string& what,
                           const std::string& hint) {
        throw mistake(place_, text, what).with_hint(hint);
    }
    [[noreturn]] void not_for_type(std::string_view what) {
        throw mistake(place_, "a mount of type {} has no {}", type_->name, what)
            .with_hint("remove it, or change the type");
    }
    bool boolean(const Field& field) {
        if (!field.has_value) return true;
        auto value = go_boolean(field.value);
        if (!value)
            fail("'{}' is neither true nor false", field.value,
                 "write " + field.key + "=true or " + field.key + "=false");
        return *value;
    }
    unsigned number(const Field& field, int base) {
        auto value = number_of(field.value, base);
        if (!value)
            fail("'{}' is no number of --mount", field.value,
                 base == 8 ? "modes are octal: mode=0755" : "ids are decimal");
        return *value;
    }

    void take_type(const Field& field) {
        std::vector<std::string_view> names;
        for (const MountType& type : mount_types) {
            if (type.name == lower(field.value)) {
                type_ = &type;
                return;
            }
            names.push_back(type.name);
        }
        fail("there is no mount type '{}'", field.value, "types are bind, cache, tmpfs, secret and ssh");
    }
    void take_from(const Field& field) { out_.from = field.value; }
    void take_source(const Field& field) { out_.mount.source = field.value; }
    void take_target(const Field& field) { out_.mount.target = field.value; }
    void take_read_only(const Field& field) { read_only_ = boolean(field); }
    void take_read_write(const Field& field) { read_only_ = !boolean(field); }
    void take_required(const Field& field) {
        if (!type_->may_require) not_for_type("required");
        out_.mount.required = boolean(field);
    }
    void take_size(const Field& field) {
        if (type_->type != Type::tmpfs) not_for_type("size");
        auto size = parse_bytes(field.value);
        if (!size || *size < 0) fail("'{}' is no size", field.value, "sizes look like 64m or 1g");
        out_.mount.size = static_cast<std::uint64_t>(*size);
    }
    void take_id(const Field& field) { out_.mount.id = field.value; }
    void take_env(const Field& field) { out_.mount.env = field.value; }
    void take_sharing(const Field& field) {
        for (const auto& [name, sharing] : sharings)
            if (name == lower(field.value)) {
                out_.mount.sharing = sharing;
                sharing_given_ = true;
                return;
            }
        fail("there is no sharing '{}'", field.value, "it is shared, private or locked");
    }
    void take_mode(const Field& field) { out_.mount.mode = number(field, 8); }
    void take_uid(const Field& field) { out_.mount.uid = number(field, 10); }
    void take_gid(const Field& field) { out_.mount.gid = number(field, 10); }

    // Secrets and sockets: what the caller gives, by its id.
    void finish_given(std::string_view working_dir, int ssh_sockets) {
        RunMount& m = out_.mount;
        if (!out_.from.empty()) not_for_type("from");
        if (!m.source.empty() && !m.id.empty())
            fail("both id and source of a mount of type {} are given", std::string(type_->name), "keep id");
        if (!m.source.empty()) m.id = std::exchange(m.source, {});
        const bool is_secret = m.type == Type::secret;
        if (m.id.empty() && !m.target.empty() && is_secret) m.id = base_name(m.target);
        if (m.id.empty() && is_secret) fail("a mount of type {} names no secret", "secret", "write id=NAME");
        if (m.id.empty()) m.id = "default";
        if (m.target.empty() && !is_secret) m.target = fmt::format("/run/buildkit/ssh_agent.{}", ssh_sockets);
        if (m.target.empty() && !m.env) m.target = "/run/secrets/" + base_name(m.id);
        if (!m.target.empty()) m.target = below(working_dir, m.target);
    }
    void finish_files(std::string_view working_dir) {
        RunMount& m = out_.mount;
        if (m.id.empty() && m.type == Type::cache) m.id = clean_path(m.target);
        m.target = below(working_dir, m.target);
        if (m.target == "/") fail("the target of a mount is {}", m.target, "write target=/path");
        m.source = clean_path("/" + m.source);
    }
    static std::string below(std::string_view working_dir, const std::string& target) {
        const std::string directory = target.starts_with('/') ? "" : std::string(working_dir);
        return clean_path("/" + directory + "/" + target);
    }
    static std::string base_name(std::string_view path) {
        const std::string cleaned = clean_path(path);
        return cleaned.substr(cleaned.rfind('/') + 1);
    }

    const Place& place_;
    const MountType* type_ = &mount_types[0];
    WrittenMount out_;
    std::optional<bool> read_only_;
    bool sharing_given_ = false;
};

const MountReader::Key MountReader::keys[19] = {
    {"type", &MountReader::take_type},
    {"from", &MountReader::take_from},
    {"source", &MountReader::take_source},
    {"src", &MountReader::take_source},
    {"target", &MountReader::take_target},
    {"dst", &MountReader::take_target},
    {"destination", &MountReader::take_target},
    {"readonly", &MountReader::take_read_only, true},
    {"ro", &MountReader::take_read_only, true},
    {"readwrite", &MountReader::take_read_write, true},
    {"rw", &MountReader::take_read_write, true},
    {"required", &MountReader::take_required, true},
    {"size", &MountReader::take_size},
    {"id", &MountReader::take_id},
    {"env", &MountReader::take_env},
    {"sharing", &MountReader::take_sharing},
    {"mode", &MountReader::take_mode},
    {"uid", &MountReader::take_uid},
    {"gid", &MountReader::take_gid},
};

} // namespace

std::optional<bool> go_boolean(std::string_view text) {
    constexpr std::pair<std::string_view, bool> words[] = {
        {"1", true},  {"t", true},  {"T", true},  {"true", true},   {"TRUE", true},   {"True", true},
        {"0", false}, {"f", false}, {"F", false}, {"false", false}, {"FALSE", false}, {"False", false}};
    for (const auto& [word, value] : words)
        if (word == text) return value;
    return std::nullopt;
}

std::vector<std::string> comma_fields(std::string_view text, const Place& place) {
    std::vector<std::string> out(1);
    const auto fail = [&] {
        return mistake(place, "'{}' cannot be read: a quote stands in the middle of a field", text)
            .with_hint("put the whole field into quotes");
    };
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] != '"') {
            auto end = std::min(text.find(',', i), text.size());
            out.back() = text.substr(i, end - i);
            if (out.back().find('"') != std::string::npos) throw fail();
            i = end;
        } else {
            for (++i;; ++i) {
                if (i >= text.size()) throw fail();
                if (text[i] != '"') out.back() += text[i];
                else if (i + 1 < text.size() && text[i + 1] == '"') out.back() += text[i++];
                else break;
            }
            if (++i < text.size() && text[i] != ',') throw fail();
        }
        if (i < text.size() && text[i] == ',') {
            out.emplace_back();
            ++i;
        }
    }
    return out;
}

std::string from_of_mount(std::string_view text, const Place& place) {
    std::string from;
    for (const std::string& part : comma_fields(text, place))
        if (Field field = field_of(part); field.key == "from" && field.has_value) from = field.value;
    return from;
}

void check_mount_syntax(std::string_view text, const Place& place) {
    const std::string from = from_of_mount(text, place);
    auto dollar = from.find('$');
    if (dollar != std::string::npos && dollar + 1 < from.size())
        throw mistake(place, "from={} of --mount holds a variable, which is not expanded there", from)
            .with_hint("give it a stage of its own: FROM " + from + " AS NAME, and from=NAME");
}

WrittenMount read_mount(std::string_view text, const std::function<std::string(std::string_view)>& expand,
                        std::string_view working_dir, int ssh_sockets, const Place& place) {
    MountReader reader(place);
    for (const std::string& part : comma_fields(text, place)) {
        Field field = field_of(part);
        if (field.has_value) field.value = expand(field.value);
        reader.take(field);
    }
    return reader.finish(working_dir, ssh_sockets);
}

} // namespace davit::dockerfile
