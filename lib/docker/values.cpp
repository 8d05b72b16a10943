#include "docker/values.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "compose/short_forms.hpp"
#include "stack/flag_values.hpp"
#include "stack/text.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace davit::docker {

namespace {

template <typename... Args>
Error usage(fmt::format_string<Args...> text, Args&&... args) {
    return error(Errc::usage, text, std::forward<Args>(args)...);
}

bool alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool is_access(std::string_view text) {
    std::set<char> seen;
    for (const char c : text)
        if ((c != 'r' && c != 'w' && c != 'm') || !seen.insert(c).second) return false;
    return !text.empty();
}

std::optional<std::uint64_t> whole(std::string_view text) {
    std::uint64_t out = 0;
    const char* end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, out);
    if (text.empty() || problem != std::errc() || stop != end) return std::nullopt;
    return out;
}

std::int64_t gpu_count(const std::string& text) {
    if (text == "all") return -1;
    const auto count = parse_int(text);
    if (!count) throw usage("invalid count ({}): value must be either \"all\" or an integer: invalid syntax", text);
    return *count;
}

std::vector<std::string> words_of(const std::string& text) {
    std::vector<std::string> out;
    for (const std::string_view word : compose::split(text, ',')) out.emplace_back(word);
    return out;
}

// ws of a device: PATH below /dev/ and what follows the colon.
std::pair<std::string, std::string> below_dev(const std::string& text) {
    auto pair = device_value(text);
    if (!pair.first.starts_with("/dev/")) throw usage("bad format for device path: {}", text);
    return pair;
}

} // namespace

NetworkUse network_use(const std::string& text) {
    NetworkUse out;
    const swarm::NetworkAttachment parsed = stack::network_value(text, &out.endpoint);
    out.target = parsed.target;
    out.endpoint.aliases = parsed.aliases;
    out.endpoint.driver_opts = parsed.driver_opts;
    out.has_options = out.endpoint != ServiceNetwork{};
    return out;
}

bool is_cdi_device(std::string_view text) {
    const std::size_t slash = text.find('/'), equals = text.find('=');
    return slash != std::string_view::npos && equals != std::string_view::npos && slash > 0 && slash + 1 < equals &&
           equals + 1 < text.size();
}

Device device_of(const std::string& text) {
    const auto parts = compose::split(text, ':');
    if (parts.size() > 3 || parts[0].empty()) throw usage("bad format for path: {}", text);
    Device out;
    out.source = parts[0];
    out.permissions = "rwm";
    if (parts.size() == 3 && !is_access(parts[2])) throw usage("bad mode specified: {}", parts[2]);
    if (parts.size() == 3) out.permissions = parts[2];
    if (parts.size() == 2 && is_access(parts[1])) out.permissions = parts[1];
    else if (parts.size() > 1) out.target = parts[1];
    if (parts.size() == 1 || (parts.size() == 2 && is_access(parts[1]))) out.target = out.source;
    if (!out.target.starts_with('/')) throw usage("{} is not an absolute path", out.target);
    return out;
}

DeviceRequest gpus_of(const std::string& text) {
    if (text.empty()) throw usage("EOF");
    DeviceRequest out;
    std::set<std::string> seen;
    for (const std::string& field : stack::csv_fields(text)) {
        const stack::KeyValue pair = stack::split_pair(field);
        const std::string key = pair.value ? pair.key : "count";
        const std::string value = pair.value.value_or(pair.key);
        if (!seen.insert(key).second) throw usage("gpu request key '{}' can be specified only once", key);
        if (key == "count") out.count = gpu_count(value);
        else if (key == "driver") out.driver = value;
        else if (key == "device") out.device_ids = words_of(value);
        else if (key == "capabilities") out.capabilities = words_of(value);
        else if (key == "options") out.options = pairs(stack::csv_fields(value));
        else throw usage("unexpected key '{}' in '{}'", key, field);
    }
    if (!seen.contains("count") && out.device_ids.empty()) out.count = 1;
    if (std::find(out.capabilities.begin(), out.capabilities.end(), "gpu") == out.capabilities.end())
        out.capabilities.emplace_back("gpu");
    return out;
}

std::pair<std::string, std::string> device_value(const std::string& text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos || colon == 0) throw usage("bad format: {}", text);
    return {text.substr(0, colon), text.substr(colon + 1)};
}

BlkioConfig::Rate rate_of(const std::string& text, bool bytes) {
    const auto [path, number] = below_dev(text);
    const auto plain = whole(number);
    const auto value = bytes ? parse_bytes(number) : std::optional<std::int64_t>(plain ? *plain : -1);
    if (!value || *value < 0)
        throw usage("invalid rate for device: {}. The correct format is <device-path>:<number>{}", text,
                    bytes ? "[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb"
                          : ". Number must be a positive integer");
    return {path, *value};
}

BlkioConfig::Weight weight_of(const std::string& text) {
    const auto [path, number] = below_dev(text);
    const auto weight = whole(number);
    constexpr std::uint64_t least = 10, most = 1000;
    if (!weight || (*weight != 0 && (*weight < least || *weight > most)))
        throw usage("invalid weight for device: {}", text);
    return {path, static_cast<std::uint16_t>(*weight)};
}

std::int64_t size_of(const std::string& text) {
    const std::int64_t out = stack::bytes_value(text);
    if (out < 0) throw usage("invalid size: '{}'", text);
    return out;
}

std::int64_t swap_of(const std::string& text) { return text == "-1" ? -1 : size_of(text); }
std::int64_t int_of(const std::string& text) { return stack::integer_value(text); }
double cpus_of(const std::string& text) { return static_cast<double>(stack::cpus_value(text)) / 1e9; }

RestartText restart_of(const std::string& text) {
    const std::size_t colon = text.find(':');
    if (colon == 0) throw usage("invalid restart policy format: no policy provided before colon");
    RestartText out{text.substr(0, colon), 0};
    if (colon == std::string::npos || colon + 1 == text.size()) return out;
    const auto retries = parse_int(text.substr(colon + 1));
    if (!retries) throw usage("invalid restart policy format: maximum retry count must be an integer");
    out.retries = *retries;
    return out;
}

std::string restart_text(const std::string& text) {
    const RestartText read = restart_of(text);
    return read.retries == 0 ? read.name : text;
}

std::string extra_host(const std::string& text) {
    const std::string line = stack::host_value(text); // "ADDRESS NAME"
    const std::size_t space = line.find(' ');
    return line.substr(space + 1) + ":" + line.substr(0, space);
}

std::map<std::string, std::string> pairs(const std::vector<std::string>& list) {
    std::map<std::string, std::string> out;
    for (const std::string& text : list) {
        const stack::KeyValue pair = stack::split_pair(text);
        out[pair.key] = pair.value.value_or("");
    }
    return out;
}

bool is_volume_name(std::string_view name) {
    constexpr std::size_t shortest = 2;
    return name.size() >= shortest && alphanumeric(name.front()) && std::all_of(name.begin(), name.end(), [](char c) {
               return alphanumeric(c) || c == '_' || c == '.' || c == '-';
           });
}

namespace check {

namespace {

bool is_domain_label(std::string_view label) {
    return !label.empty() && alphanumeric(label.front()) && alphanumeric(label.back()) &&
           std::all_of(label.begin(), label.end(), [](char c) { return alphanumeric(c) || c == '-' || c == '_'; });
}

bool is_number_or_any(std::string_view text) { return text == "*" || whole(text).has_value(); }

} // namespace

void switch_value(const std::string& text) { stack::boolean_value(text); }
void integer(const std::string& text) { int_of(text); }
void unsigned_number(const std::string& text) { stack::number_value(text); }
void bytes(const std::string& text) { size_of(text); }
void swap(const std::string& text) { swap_of(text); }
void cpus(const std::string& text) { stack::cpus_value(text); }
void duration(const std::string& text) { stack::duration_value(text); }
void host(const std::string& text) { stack::host_value(text); }
void rate_bytes(const std::string& text) { rate_of(text, true); }
void rate_operations(const std::string& text) { rate_of(text, false); }
void weight_device(const std::string& text) { weight_of(text); }
void mount(const std::string& text) { stack::mount_value(text, "/", stack::MountOf::container); }
void network(const std::string& text) { network_use(text); }
void gpus(const std::string& text) { gpus_of(text); }
void ulimit(const std::string& text) { stack::ulimit_value(text); }

void uint16(const std::string& text) {
    if (stack::number_value(text) > 0xffff) throw usage("strconv.ParseUint: parsing \"{}\": value out of range", text);
}

void stream(const std::string& text) {
    std::string name;
    for (const char c : text) name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (name != "stdin" && name != "stdout" && name != "stderr")
        throw usage("valid streams are STDIN, STDOUT and STDERR");
}

void device_rule(const std::string& text) {
    const auto words = compose::split(text, ' ');
    const auto numbers = words.size() == 3 ? compose::split(words[1], ':') : std::vector<std::string_view>{};
    const bool right = numbers.size() == 2 && words[0].size() == 1 &&
                       std::string_view("abc").find(words[0][0]) != std::string_view::npos &&
                       is_number_or_any(numbers[0]) && is_number_or_any(numbers[1]) && !words[2].empty() &&
                       words[2].size() <= 3 && words[2].find_first_not_of("rwm") == std::string_view::npos;
    if (!right) throw usage("invalid device cgroup format '{}'", text);
}

void address(const std::string& text) {
    if (!compose::is_ip_address(text)) throw usage("IP address is not correctly formatted: {}", text);
}

void ip(const std::string& text) {
    if (!compose::is_ip_address(text)) throw usage("failed to parse IP: \"{}\"", text);
}

void search_domain(const std::string& text) {
    if (text == ".") return;
    std::string_view name = text;
    if (name.ends_with('.')) name.remove_suffix(1);
    for (const std::string_view label : compose::split(name, '.'))
        if (!is_domain_label(label)) throw usage("{} is not a valid domain", text);
}

void variable(const std::string& text) {
    if (text.empty() || text.front() == '=') throw usage("invalid environment variable: {}", text);
}

void label(const std::string& text) { stack::check_label(text); }

void link(const std::string& text) {
    const auto parts = compose::split(text, ':');
    if (text.empty()) throw usage("empty string specified for links");
    if (parts.size() > 2) throw usage("bad format for links: {}", text);
}

void sysctl(const std::string& text) {
    static const std::set<std::string_view> known{
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni",          "kernel.sem",
        "kernel.shmall", "kernel.shmmax", "kernel.shm_rmid_forced", "kernel.shmmni"};
    const stack::KeyValue pair = stack::split_pair(text);
    const bool allowed =
        pair.value && (known.contains(pair.key) || pair.key.starts_with("net.") || pair.key.starts_with("fs.mqueue."));
    if (!allowed) throw usage("sysctl '{}' is not allowed", text);
}

void annotation(const std::string& text) {
    if (text.empty() || text.front() == '=')
        throw error(Errc::invalid_project,
                    "invalid Annotations: the empty string is not permitted as an annotation key");
}

} // namespace check

} // namespace davit::docker
