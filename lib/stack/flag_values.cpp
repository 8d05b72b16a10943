#include "stack/flag_values.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "compose/paths.hpp"
#include "stack/short_forms.hpp"
#include "stack/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace davit::stack {

namespace {

std::string lower(std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
}

std::string trimmed(const std::string& text) {
    const std::size_t first = text.find_first_not_of(" \t");
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

template <typename... Args>
Error usage(fmt::format_string<Args...> text, Args&&... args) {
    return error(Errc::usage, text, std::forward<Args>(args)...);
}

std::optional<std::uint64_t> whole_number(std::string_view text, int base = 10) {
    std::uint64_t value = 0;
    auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (code != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

std::optional<bool> go_bool(std::string_view text) {
    for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"})
        if (text == yes) return true;
    for (const char* no : {"0", "f", "F", "false", "FALSE", "False"})
        if (text == no) return false;
    return std::nullopt;
}

std::uint16_t port_number(std::string_view what, std::string_view text) {
    const auto value = whole_number(text);
    if (!value) throw usage("invalid {} port ({}): value must be an integer: invalid syntax", what, text);
    if (*value > 65535) throw usage("invalid {} port ({}): value must be an integer: value out of range", what, text);
    return static_cast<std::uint16_t>(*value);
}

swarm::PortConfig long_port(const std::string& text) {
    swarm::PortConfig out;
    for (const std::string& field : csv_fields(text)) {
        const KeyValue pair = split_pair(lower(field));
        if (!pair.value || pair.key.empty()) throw usage("invalid field: {}", field);
        if (pair.key == "protocol") {
            out.protocol = *pair.value;
            if (out.protocol != "tcp" && out.protocol != "udp" && out.protocol != "sctp")
                throw usage("invalid protocol value '{}'", *pair.value);
        } else if (pair.key == "mode") {
            out.mode = *pair.value;
            if (out.mode != "ingress" && out.mode != "host")
                throw usage("invalid publish mode value ({}): must be either 'ingress' or 'host'", *pair.value);
        } else if (pair.key == "target") {
            out.target = port_number("target", *pair.value);
        } else if (pair.key == "published") {
            out.published = port_number("published", *pair.value);
        } else {
            throw usage("invalid field key: {}", pair.key);
        }
    }
    if (out.target == 0) throw usage("missing mandatory field 'target'");
    return out;
}

// A mount's fields, one by one.
class MountFields {
public:
    MountFields(const std::string& directory, MountOf of) : directory_(directory), of_(of) {}

    swarm::Mount take(const std::string& text) {
        const std::string line = trimmed(text);
        if (line.empty()) throw usage("value is empty");
        for (const std::string& field : csv_fields(line)) {
            KeyValue pair = split_pair(field);
            refuse_spaces(field, pair);
            pair.key = lower(pair.key);
            if (pair.value) value(field, pair.key, *pair.value);
            else if (!flag(pair.key, true)) throw usage("invalid field '{}' must be a key=value pair", field);
        }
        check_recursive();
        const bool judged = of_ == MountOf::service; // else by the engine
        if (judged && out_.type.empty()) throw usage("type is required");
        if (judged && out_.target.empty()) throw usage("target is required");
        refuse_mixed(out_.volume_options, "volume");
        refuse_mixed(out_.bind_options, "bind");
        refuse_mixed(out_.tmpfs_options, "tmpfs");
        refuse_mixed(out_.image_options, "image");
        if (judged && out_.non_recursive && out_.propagation.empty()) out_.propagation = "rprivate"; // as Swarm has it
        return std::move(out_);
    }

private:
    void refuse_mixed(bool given, std::string_view type) const {
        if (given && out_.type != type) throw usage("cannot mix '{}-*' options with mount type '{}'", type, out_.type);
    }

    static void refuse_spaces(const std::string& field, const KeyValue& pair) {
        if (const std::string key = trimmed(pair.key); key != pair.key)
            throw usage("invalid option '{}' in '{}': option should not have whitespace", key, field);
        if (!pair.value) return;
        const std::string value = trimmed(*pair.value);
        if (value.empty()) throw usage("invalid value for '{}': value is empty", pair.key);
        if (value != *pair.value)
            throw usage("invalid value for '{}' in '{}': value should not have whitespace", pair.key, field);
    }

    void check_recursive() const {
        if (out_.read_only_non_recursive && !out_.read_only)
            throw usage("option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction");
        if (!out_.read_only_force_recursive) return;
        if (!out_.read_only)
            throw usage("option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction");
        if (out_.propagation != "rprivate")
            throw usage("option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in "
                        "conjunction");
    }

    bool flag(const std::string& key, bool on) {
        if (key == "readonly" || key == "ro") out_.read_only = on;
        else if (key == "volume-nocopy") out_.no_copy = on, out_.volume_options = true;
        else if (key == "bind-nonrecursive")
            throw usage("bind-nonrecursive is deprecated, use bind-recursive=disabled instead");
        else if (key == "bind-create-src") out_.create_mountpoint = on, out_.bind_options = true;
        else return false;
        return true;
    }

    void value(const std::string& field, const std::string& key, const std::string& v) {
        if (key == "type") {
            out_.type = lower(v);
        } else if (key == "image-subpath") {
            out_.subpath = v;
            out_.image_options = true;
        } else if (key == "source" || key == "src") {
            out_.source = v.starts_with('.') ? compose::clean_path(compose::join_path(directory_, v)) : v;
        } else if (key == "target" || key == "dst" || key == "destination") {
            out_.target = v;
        } else if (key == "consistency") {
            out_.consistency = lower(v);
        } else if (key == "bind-propagation") {
            out_.propagation = lower(v);
            out_.bind_options = true;
        } else if (key == "bind-recursive") {
            recursive(v);
        } else if (key.starts_with("volume-") && key != "volume-nocopy") {
            volume(field, key, v);
        } else if (key.starts_with("tmpfs-")) {
            tmpfs(field, key, v);
        } else if (const bool known = v == "1" || v == "0" || v == "true" || v == "false";
                   !known || !flag(key, v == "1" || v == "true")) {
            if (flag(key, false))
                throw usage("invalid value for '{}': invalid boolean value (\"{}\"): must be one of \"true\", \"1\", "
                            "\"false\", or \"0\" (default \"true\")",
                            key, v);
            throw usage("unknown option '{}' in '{}'", key, field);
        }
    }

    void recursive(const std::string& v) {
        if (v == "enabled") return;
        out_.bind_options = true;
        if (v == "disabled") out_.non_recursive = true;
        else if (v == "writable") out_.read_only_non_recursive = true;
        else if (v == "readonly") out_.read_only_force_recursive = true;
        else
            throw usage("invalid value for bind-recursive: {} (must be \"enabled\", \"disabled\", \"writable\", or "
                        "\"readonly\")",
                        v);
    }

    void volume(const std::string& field, const std::string& key, const std::string& v) {
        const KeyValue pair = split_pair(v);
        if (key == "volume-label") out_.volume_labels[pair.key] = pair.value.value_or("");
        else if (key == "volume-driver") out_.driver = v;
        else if (key == "volume-opt") out_.driver_options[pair.key] = pair.value.value_or("");
        else if (key == "volume-subpath") out_.subpath = v;
        else throw usage("unknown option '{}' in '{}'", key, field);
        out_.volume_options = true;
    }

    void tmpfs(const std::string& field, const std::string& key, const std::string& v) {
        out_.tmpfs_options = true;
        if (key == "tmpfs-size") {
            const auto size = parse_bytes(v);
            if (!size) throw usage("invalid value for {}: {}", key, v);
            out_.tmpfs_size = *size;
        } else if (key == "tmpfs-mode") {
            const auto mode = whole_number(v, 8);
            if (!mode) throw usage("invalid value for {}: {}", key, v);
            out_.tmpfs_mode = static_cast<std::uint32_t>(*mode);
        } else {
            throw usage("unknown option '{}' in '{}'", key, field);
        }
    }

    const std::string& directory_;
    const MountOf of_;
    swarm::Mount out_;
};

} // namespace

void check_label(const std::string& text) {
    std::string key = text.substr(0, text.find('='));
    key.erase(0, std::min(key.find_first_not_of(" \t"), key.size()));
    if (key.empty()) throw usage("invalid label '{}': empty name", text);
    if (key.find_first_of(" \t") != std::string::npos) throw usage("label '{}' contains whitespaces", key);
}

std::vector<std::string> csv_fields(const std::string& line) {
    std::vector<std::string> out(1);
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') out.back() += line[++i];
        else if (line[i] == '"' && (quoted || out.back().empty())) quoted = !quoted;
        else if (line[i] == ',' && !quoted) out.emplace_back();
        else out.back() += line[i];
    }
    if (quoted)
        throw usage("parse error on line 1, column {}: extraneous or missing \" in quoted-field", line.size() + 1);
    return out;
}

std::vector<swarm::PortConfig> port_value(const std::string& text) {
    if (text.find('=') != std::string::npos) return {long_port(text)};
    const SwarmPorts ports = parse_swarm_ports(text);
    if (!ports.error.empty()) throw usage("{}", why_no_port(text)).with_hint(ports.error);
    if (!ports.address.empty()) throw usage("hostip is not supported");
    return ports.ports;
}

swarm::Mount mount_value(const std::string& text, const std::string& directory, MountOf of) {
    return MountFields(directory, of).take(text);
}

namespace {

// What one container asks for at its endpoint; false: no such key.
bool take_address(const std::string& key, const std::string& value, ServiceNetwork& to) {
    if (key == "ip") to.ipv4_address = value;
    else if (key == "ip6") to.ipv6_address = value;
    else if (key == "mac-address") to.mac_address = value;
    else if (key == "link-local-ip") to.link_local_ips.push_back(value);
    else if (key != "gw-priority") return false;
    if (key == "gw-priority") {
        const auto priority = parse_int(value);
        if (!priority) throw usage("invalid gw-priority ({}): invalid syntax", value);
        to.gw_priority = static_cast<int>(*priority);
    } else if (key != "mac-address" && !compose::is_ip_address(value)) {
        throw usage("ParseAddr(\"{}\"): unable to parse IP", value);
    }
    return true;
}

} // namespace

swarm::NetworkAttachment network_value(const std::string& text, ServiceNetwork* endpoint) {
    swarm::NetworkAttachment out;
    if (text.find('=') == std::string::npos) {
        out.target = text;
        return out;
    }
    for (const std::string& field : csv_fields(text)) {
        KeyValue pair = split_pair(field);
        if (!pair.value) throw usage("invalid field {}", field);
        pair.key = lower(pair.key);
        if (pair.key == "name") out.target = *pair.value;
        else if (pair.key == "alias") out.aliases.push_back(*pair.value);
        else if (pair.key == "driver-opt") {
            const KeyValue option = split_pair(*pair.value);
            if (!option.value) throw usage("invalid key value pair format in driver options");
            out.driver_opts[lower(option.key)] = *option.value;
        } else if (!endpoint || !take_address(pair.key, *pair.value, *endpoint)) {
            throw usage("invalid field key {}", pair.key);
        }
    }
    if (out.target.empty()) throw usage("network name/id is not specified");
    return out;
}

swarm::FileReference file_value(const std::string& text, bool config) {
    swarm::FileReference out;
    if (text.empty()) throw usage("EOF");
    const auto fields = csv_fields(text);
    if (fields.size() == 1 && fields[0].find('=') == std::string::npos) {
        out.name = out.target = fields[0];
        return out;
    }
    for (const std::string& field : fields) {
        const KeyValue pair = split_pair(field);
        const std::string key = lower(pair.key);
        if (!pair.value || pair.key.empty()) throw usage("invalid field '{}' must be a key=value pair", field);
        if (key == "source" || key == "src") out.name = *pair.value;
        else if (key == "target") out.target = *pair.value;
        else if (key == "uid") out.uid = *pair.value;
        else if (key == "gid") out.gid = *pair.value;
        else if (key == "mode") {
            const std::string& digits = *pair.value;
            const auto mode = whole_number(digits, digits.starts_with('0') ? 8 : 10); // as Go reads numbers
            if (!mode) throw usage("invalid mode specified: strconv.ParseUint: parsing \"{}\": invalid syntax", digits);
            out.mode = static_cast<std::uint32_t>(*mode);
        } else {
            throw usage("invalid field in {} request: {}", config ? "config" : "secret", key);
        }
    }
    if (out.name.empty()) throw usage("source is required");
    if (out.target.empty()) out.target = out.name;
    return out;
}

swarm::Ulimit ulimit_value(const std::string& text) {
    static constexpr std::array<std::string_view, 16> names = {
        "as",   "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue",
        "nice", "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack"};
    const KeyValue pair = split_pair(text);
    if (!pair.value) throw usage("invalid ulimit argument: {}", text);
    if (std::find(names.begin(), names.end(), pair.key) == names.end())
        throw usage("invalid ulimit type: {}", pair.key);
    const std::size_t colon = pair.value->find(':');
    const auto soft = parse_int(std::string_view(*pair.value).substr(0, colon));
    const auto hard = colon == std::string::npos ? soft : parse_int(std::string_view(*pair.value).substr(colon + 1));
    if (std::count(pair.value->begin(), pair.value->end(), ':') > 1)
        throw usage("too many limit value arguments - {}, can only have up to two, `soft[:hard]`", *pair.value);
    if (!soft || !hard)
        throw usage("strconv.ParseInt: parsing \"{}\": invalid syntax",
                    soft ? pair.value->substr(colon + 1) : pair.value->substr(0, colon));
    if (*hard != -1 && (*soft == -1 || *soft > *hard))
        throw usage("ulimit soft limit must be less than or equal to hard limit: {} > {}", *soft, *hard);
    return {pair.key, *soft, *hard};
}

std::string host_value(const std::string& text) {
    const std::size_t at = text.find_first_of(":=");
    if (at == std::string::npos || at == 0) throw usage("bad format for add-host: \"{}\"", text);
    std::string address = text.substr(at + 1);
    if (address.size() > 1 && address.front() == '[' && address.back() == ']')
        address = address.substr(1, address.size() - 2);
    if (address != "host-gateway" && !compose::is_ip_address(address))
        throw usage("invalid IP address in add-host: \"{}\"", address);
    return address + " " + text.substr(0, at);
}

swarm::GenericResource resource_value(const std::string& text) {
    const KeyValue pair = split_pair(text);
    if (!pair.value || pair.key.empty() || pair.value->empty())
        throw usage("could not parse GenericResource: incorrect term {}, missing '=' or malformed expression", text);
    const auto value = parse_int(*pair.value);
    if (pair.value->find('=') != std::string::npos)
        throw usage("invalid generic resource specification: could not parse GenericResource: incorrect term {}, "
                    "missing '=' or malformed expression",
                    text);
    if (!value)
        throw usage(
            "invalid generic-resource request `{}`, Named Generic Resources is not supported for service create "
            "or update",
            text);
    return {pair.key, {}, *value};
}

std::string preference_value(const std::string& text) {
    const auto fields = compose::split(text, '=');
    if (fields.size() != 2) throw usage("placement preference must be of the format \"<strategy>=<arg>\"");
    if (fields[0] != "spread") throw usage("unsupported placement preference {} (only spread is supported)", fields[0]);
    return std::string(fields[1]);
}

void set_credential(const std::string& text, swarm::Privileges& out) {
    out.credential_config.clear();
    out.credential_file.clear();
    out.credential_registry.clear();
    if (text.empty()) return;
    auto rest = [&](std::string_view prefix) { return text.substr(prefix.size()); };
    if (text.starts_with("config://")) out.credential_config = rest("config://");
    else if (text.starts_with("file://")) out.credential_file = rest("file://");
    else if (text.starts_with("registry://")) out.credential_registry = rest("registry://");
    else
        throw usage("invalid credential spec: value must be prefixed with \"config://\", \"file://\", or "
                    "\"registry://\"");
}

std::uint64_t number_value(const std::string& text) {
    const bool hex = text.starts_with("0x");
    const auto value = whole_number(hex ? std::string_view(text).substr(2) : std::string_view(text), hex ? 16 : 10);
    if (!value) throw usage("strconv.ParseUint: parsing \"{}\": invalid syntax", text);
    return *value;
}

double ratio_value(const std::string& text) {
    double value = 0;
    auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || end != text.data() + text.size() || text.empty())
        throw usage("strconv.ParseFloat: parsing \"{}\": invalid syntax", text);
    return value;
}

namespace {

// The first number without a unit, or with one that there is not.
std::string why_no_duration(const std::string& text) {
    std::string_view rest = text;
    if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
    while (!rest.empty()) {
        const std::size_t digits = std::min(rest.find_first_not_of("0123456789."), rest.size());
        const std::string_view number = rest.substr(0, digits);
        if (number.find_first_of("0123456789") == std::string_view::npos) break;
        if (std::count(number.begin(), number.end(), '.') > 1 || digits == rest.size())
            return fmt::format("time: missing unit in duration \"{}\"", text);
        rest.remove_prefix(digits);
        const std::string_view unit = rest.substr(0, rest.find_first_of("0123456789."));
        if (!go_duration("1" + std::string(unit)))
            return fmt::format("time: unknown unit \"{}\" in duration \"{}\"", unit, text);
        rest.remove_prefix(unit.size());
    }
    return fmt::format("time: invalid duration \"{}\"", text);
}

// "1.5e2" without its exponent; any other text as it is.
std::string without_exponent(const std::string& text) {
    constexpr std::int64_t most = 30;
    const std::size_t e = text.find_first_of("eE");
    const auto exponent = e == std::string::npos ? std::nullopt : parse_int(std::string_view(text).substr(e + 1));
    if (!exponent || *exponent < -most || *exponent > most) return text;
    const bool negative = text.starts_with('-');
    std::string digits = text.substr(negative, e - negative);
    std::size_t point = std::min(digits.find('.'), digits.size());
    if (point < digits.size()) digits.erase(point, 1);
    if (*exponent < 0) {
        const auto places = static_cast<std::size_t>(-*exponent);
        if (places > point) digits.insert(0, places - point, '0');
        point = places > point ? 0 : point - places;
    } else {
        const auto places = static_cast<std::size_t>(*exponent);
        if (point + places > digits.size()) digits.append(point + places - digits.size(), '0');
        point += places;
    }
    digits.insert(point, ".");
    return (negative ? "-" : "") + digits;
}

// Parts of 10^-9 that no decimal has: "1/3", "0.0000000001".
bool is_too_precise(const std::string& text) {
    const std::size_t first = text.starts_with('-') ? 1 : 0;
    return text.size() > first && text.find_first_not_of("0123456789.", first) == std::string::npos &&
           std::count(text.begin(), text.end(), '.') == 1 && text.find_first_of("0123456789") != std::string::npos;
}

} // namespace

std::int64_t duration_value(const std::string& text) {
    const auto value = go_duration(text);
    if (!value) throw usage("{}", why_no_duration(text));
    return *value;
}

std::int64_t cpus_value(const std::string& text) {
    constexpr std::int64_t nano = 1'000'000'000, most = 1'000'000;
    const std::size_t slash = text.find('/');
    const auto above = parse_int(std::string_view(text).substr(0, slash));
    const auto below = slash == std::string::npos ? std::nullopt : parse_int(std::string_view(text).substr(slash + 1));
    if (above && below && *below > 0 && *above > -most && *above < most) {
        if (*above * nano % *below) throw usage("value is too precise");
        return *above * nano / *below;
    }
    const std::string decimal = without_exponent(text);
    const auto value = nano_cpus(decimal);
    if (!value && is_too_precise(decimal)) throw usage("value is too precise");
    if (!value) throw usage("failed to parse {} as a rational number", text);
    return *value;
}

std::int64_t bytes_value(const std::string& text) {
    const auto value = parse_bytes(text);
    if (value) return *value;
    const std::size_t last = text.find_last_of("0123456789. ");
    const std::string number = text.substr(0, last == std::string::npos || text[last] == ' ' ? last : last + 1);
    const std::string unit = last == std::string::npos ? "" : text.substr(last + 1);
    constexpr std::size_t longest = 3;
    if (unit.empty() || number.starts_with('-') || !parse_bytes(number)) throw usage("invalid size: '{}'", text);
    throw usage("invalid suffix: '{}'", unit.size() > longest ? unit : lower(unit));
}

std::int64_t integer_value(const std::string& text) {
    const auto value = parse_int(text);
    if (!value) throw usage("strconv.ParseInt: parsing \"{}\": invalid syntax", text);
    return *value;
}

std::vector<std::string> words_value(const std::string& text) {
    auto value = shell_words(text);
    if (!value) throw usage("EOF found when expecting closing quote");
    return std::move(*value);
}

bool boolean_value(const std::string& text) {
    const auto value = go_bool(text);
    if (!value) throw usage("strconv.ParseBool: parsing \"{}\": invalid syntax", text);
    return *value;
}

} // namespace davit::stack
