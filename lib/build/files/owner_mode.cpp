#include "build/files/owner_mode.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "build/files/locate.hpp"

#include <charconv>
#include <fcntl.h>
#include <sys/stat.h>
#include <utility>

namespace davit::build {

namespace {

constexpr off_t most_bytes = 16 << 20; // of passwd and group

std::optional<unsigned> number_of(std::string_view text) {
    unsigned out = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (problem != std::errc{} || end != text.data() + text.size() || out > 0x7fffffffu) return std::nullopt;
    return out;
}

// "root" is known without a look: images need not have it.
std::optional<unsigned> id_of(std::string_view text) { return text == "root" ? 0 : number_of(text); }

// Of an image: whatever stands there, only a plain file of a sensible size is read.
std::string read_inside(int root, const std::string& path) {
    const auto found = locate(root, path);
    if (!found || !found->exists()) return {};
    if (!S_ISREG(found->status.st_mode) || found->status.st_size > most_bytes)
        throw error(Errc::failed,
                    "/{} of the image is no regular file of at most {} bytes: --chown cannot look up names", path,
                    most_bytes);
    std::string out(static_cast<std::size_t>(found->status.st_size), '\0');
    const UniqueFd fd = sys::reopen(found->fd.get(), O_RDONLY | O_NONBLOCK);
    std::size_t have = 0;
    while (have < out.size()) {
        const ssize_t n = ::read(fd.get(), out.data() + have, out.size() - have);
        if (n < 0) throw sys_error(errno, "reading /{} of the image", path);
        if (n == 0) break;
        have += static_cast<std::size_t>(n);
    }
    out.resize(have);
    return out;
}

std::vector<std::string_view> fields_of(std::string_view line) {
    std::vector<std::string_view> out;
    for (;;) {
        const std::size_t colon = line.find(':');
        out.push_back(line.substr(0, colon));
        if (colon == std::string_view::npos) return out;
        line.remove_prefix(colon + 1);
    }
}

// The fields of the line that begins with the name.
std::vector<std::string> line_for(const std::string& text, std::string_view name) {
    std::string_view left = text;
    while (!left.empty()) {
        const std::size_t end = left.find('\n');
        const std::string_view line = left.substr(0, end);
        left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
        if (const auto fields = fields_of(line); fields.front() == name && fields.size() > 2)
            return {fields.begin(), fields.end()};
    }
    return {};
}

class OwnerLookup {
public:
    OwnerLookup(int root, std::vector<std::string>& warnings) : root_(root), warnings_(warnings) {}

    Owner user(const std::string& name) const {
        const auto fields = line("etc/passwd", "user", name, 0);
        Owner out;
        if (fields.size() > 3) {
            out.uid = number_of(fields[2]).value_or(0);
            out.gid = number_of(fields[3]).value_or(0);
        }
        return out;
    }

    gid_t group(const std::string& name, gid_t otherwise) const {
        const auto fields = line("etc/group", "group", name, otherwise);
        return fields.size() > 2 ? number_of(fields[2]).value_or(0) : otherwise;
    }

private:
    std::vector<std::string> line(const std::string& file, const char* kind, const std::string& name,
                                  unsigned otherwise) const {
        if (root_ < 0)
            throw error(Errc::usage, "--chown: the {} '{}' cannot be looked up: --link looks into no image", kind, name)
                .with_hint("give a number");
        auto out = line_for(read_inside(root_, file), name);
        if (out.empty())
            warnings_.push_back(fmt::format("--chown: there is no {} '{}' in /{} of the image; {} is taken", kind, name,
                                            file, otherwise));
        return out;
    }

    int root_;
    std::vector<std::string>& warnings_;
};

} // namespace

Owner parse_owner(const std::string& text, int root, std::vector<std::string>& warnings) {
    const OwnerLookup lookup(root, warnings);
    const std::size_t colon = text.find(':');
    const std::string user = text.substr(0, colon);
    Owner out;
    if (const auto number = id_of(user)) out = {*number, *number};
    else if (!user.empty()) out = lookup.user(user);
    if (colon == std::string::npos) return out;
    const std::string group = text.substr(colon + 1);
    // A group that nobody knows leaves the user's.
    if (const auto number = id_of(group)) out.gid = *number;
    else out.gid = group.empty() ? 0 : lookup.group(group, out.gid);
    return out;
}

namespace {

constexpr mode_t user_bits = S_ISUID | S_IRWXU, group_bits = S_ISGID | S_IRWXG,
                 all_bits = user_bits | group_bits | S_IRWXO;

} // namespace

ModeChange::ModeChange(const std::string& text) {
    const auto bad = [&] {
        return error(Errc::usage, "--chmod={}: this is no mode", text)
            .with_hint("give an octal number up to 07777, or symbols as chmod(1) takes them: u=rwX,go-w");
    };
    if (text.empty()) throw bad();
    if (text[0] >= '0' && text[0] <= '9') {
        unsigned value = 0;
        const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
        if (problem != std::errc{} || end != text.data() + text.size() || value > 07777) throw bad();
        octal_ = value;
        return;
    }
    std::size_t at = 0;
    for (;; ++at) { // over the comma
        mode_t who = 0;
        for (; at < text.size() && std::string_view("ugoa").find(text[at]) != std::string_view::npos; ++at)
            who |= text[at] == 'u' ? user_bits : text[at] == 'g' ? group_bits : text[at] == 'o' ? S_IRWXO : all_bits;
        do {
            if (at == text.size() || std::string_view("+-=").find(text[at]) == std::string_view::npos) throw bad();
            at = read_bits(text, at, who);
        } while (at < text.size() && text[at] != ',');
        if (at == text.size()) return;
    }
}

void ModeChange::add(char action, mode_t who, mode_t bits) {
    using Kind = Change::Kind;
    if (action == '=') changes_.push_back({Kind::clear, who ? who : all_bits, 0, false, false});
    const Kind kind = action == 'X' ? Kind::set_if_executable : action == '-' ? Kind::clear : Kind::set;
    changes_.push_back({kind, who ? who & bits : bits, 0, false, false});
}

void ModeChange::add_copy(char from, mode_t who, char action) {
    const unsigned shift = from == 'u' ? 6 : from == 'g' ? 3 : 0;
    const mode_t reached = who ? who & mode_t{0777} : mode_t{0777};
    changes_.push_back({Change::Kind::copy, reached, shift, action != '-', action != '+'});
}

// What follows a sign, up to the next sign or comma. A copy ends what stands before it.
std::size_t ModeChange::read_bits(const std::string& text, std::size_t at, mode_t who) {
    const char action = text[at++];
    if (action == '=') assigned_ = false;
    const auto for_more_than_others = [&] { return who == 0 || (who & ~mode_t{S_IRWXO}) != 0; };
    mode_t bits = 0, if_executable = 0;
    const auto flush = [&] {
        if (bits) add(action, who, std::exchange(bits, 0));
    };
    const auto flush_executable = [&] {
        if (if_executable) add('X', who, std::exchange(if_executable, 0));
    };
    for (; at < text.size(); ++at) {
        const char sign = text[at];
        if (sign == 'r') bits |= 0444;
        else if (sign == 'w') bits |= 0222;
        else if (sign == 'x' || (sign == 'X' && action == '-')) bits |= 0111;
        else if (sign == 'X') if_executable = 0111;
        else if (sign == 's' && for_more_than_others()) bits |= S_ISUID | S_ISGID;
        else if (sign == 't' && for_more_than_others()) who |= S_ISVTX, bits |= S_ISVTX;
        else if (sign == 'u' || sign == 'g' || sign == 'o') {
            flush();
            assigned_ = assigned_ || action == '=';
            flush_executable();
            add_copy(sign, who, action);
        } else if (sign != 's' && sign != 't') break;
    }
    if (bits || (action == '=' && !assigned_)) {
        assigned_ = assigned_ || action == '=';
        add(action, who, bits);
    }
    flush_executable();
    return at;
}

mode_t ModeChange::applied(const Change& change, mode_t mode, bool executable) {
    using Kind = Change::Kind;
    switch (change.kind) {
    case Kind::set: return mode | change.bits;
    case Kind::clear: return mode & ~change.bits;
    case Kind::set_if_executable: return executable ? mode | change.bits : mode;
    case Kind::copy: break;
    }
    const mode_t value = (mode >> change.shift) & 7U;
    if (change.clears) mode &= ~(((change.sets ? mode_t{7} : value) * mode_t{0111}) & change.bits);
    if (change.sets) mode |= (value * mode_t{0111}) & change.bits;
    return mode;
}

mode_t ModeChange::apply(mode_t mode, bool directory) const {
    if (octal_) return *octal_;
    mode &= 07777;
    const bool executable = directory || (mode & 0111) != 0;
    for (const Change& change : changes_) mode = applied(change, mode, executable);
    return mode;
}

} // namespace davit::build
