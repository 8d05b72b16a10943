#include "yaml/reader.hpp"

#include "yaml/block_scalar.hpp"
#include "yaml/errors.hpp"
#include "yaml/flow_text.hpp"
#include "yaml/scalar.hpp"
#include "yaml/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <istream>
#include <streambuf>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace davit::yaml {

namespace {

// Aliases are copied; a file may not grow beyond this many copied nodes.
constexpr std::size_t kMaxCopiedNodes = 400'000;
constexpr std::size_t kMaxDepth = 400;
constexpr std::uint16_t kMostColumns = 65535;               // and whatever is further right
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf"; // no column to yaml-cpp

struct Stop {}; // an error was reported

class Builder : public YAML::EventHandler {
public:
    Builder(Tree& tree, std::uint16_t file, Reporter& reporter)
        : tree_(tree), reporter_(reporter), file_(file),
          has_slash_escape_(tree.file_text(file).find("\\/") != std::string::npos) {
        find_tabs(tree.file_text(file));
    }

    // yaml-cpp reads over tabs at the start of lines, libyaml only in flow collections and within texts.
    void check_tabs(std::uint32_t until) {
        for (; next_tab_ < tabs_.size() && tabs_[next_tab_].line < until; ++next_tab_)
            if (tabs_are_wrong_ && tabs_[next_tab_].line > token_line_)
                fail(tabs_[next_tab_], "this is not valid YAML: a tab stands where only spaces can",
                     "indent with spaces; an empty line needs neither");
    }

    // yaml-cpp lets the end of the file close a quote.
    void check_last_quote() {
        if (!last_quote_.line) return;
        std::string_view text = from(last_quote_);
        const char quote = text.empty() ? '\0' : text.front();
        if (quote != '"' && quote != '\'') return;
        for (std::size_t i = 1; i < text.size(); ++i) {
            if (quote == '"' && text[i] == '\\') ++i;
            else if (text[i] == quote && quote == '\'' && text.substr(i + 1, 1) == "'") ++i;
            else if (text[i] == quote) return;
        }
        fail(last_quote_, "this is not valid YAML: this quote is not closed before the file ends",
             "add the closing quote");
    }

    Node* take_document() { return std::exchange(document_, nullptr); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        check_tabs(at(mark).line);
        after_token(at(mark).line, true);
        const std::string_view text = from(at(mark));
        const bool stray = !text.empty() && std::string_view(",]}").find(text.front()) != std::string_view::npos;
        // libyaml wants a --- after a ... that more follows.
        if (document_start_ >= 0 && !stray && text.substr(0, 3) != "---")
            fail(at(mark), "this is not valid YAML: another document starts here, without its ---",
                 "write --- on the line before");
        // yaml-cpp never gets past a , ] or } that stands alone: it gives empty documents without end.
        if (mark.pos == document_start_)
            fail(at(mark), "this is not valid YAML: nothing can be read from here on",
                 "remove what stands here, or open the [ or { that it belongs to");
        document_start_ = mark.pos;
        frames_.clear();
        anchors_.clear();
        document_ = nullptr;
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        // The parser is at the next token already: an empty value is at its key.
        bool below_key = !frames_.empty() && frames_.back().has_key;
        check_empty_item(at(mark));
        if (below_key && !frames_.back().flow && !frames_.back().key_of_alias) check_colon(frames_.back().key_pos);
        put(tree_.null(below_key ? frames_.back().key_pos : at(mark)), anchor);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        Node* target = anchor < anchors_.size() ? anchors_[anchor] : nullptr;
        if (!target) fail(at(mark), "this alias has no anchor before it");
        for (const Frame& f : frames_)
            if (f.node == target) fail(at(mark), "this alias stands inside of what it names");
        copied_ += count(*target);
        if (copied_ > kMaxCopiedNodes)
            fail(at(mark), "the aliases of this file multiply to too much",
                 "at most 400000 values may come from aliases");
        check_tabs(at(mark).line);
        after_token(at(mark).line, !in_flow());
        put(tree_.clone(*target), 0, true);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        check_tabs(at(mark).line);
        after_scalar(at(mark));
        check_properties(at(mark), tag, anchor);
        if (tag == "?") check_flow_text(at(mark), value);
        if (value.find('\n') == std::string::npos && (value.empty() || value[0] != '\t'))
            return put(scalar(at(mark), tag, value, is_read(anchor)), anchor);
        const bool kept = tag == "?" || in_flow();
        put(scalar(at(mark), tag, kept ? value : block_text(at(mark), value), is_read(anchor)), anchor);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value style) override {
        open(tree_.list(at(mark)), tag, anchor);
        begin_collection(at(mark), style);
    }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value style) override {
        open(tree_.map(at(mark)), tag, anchor);
        begin_collection(at(mark), style);
    }
    void OnSequenceEnd() override { end_collection(); }
    void OnMapEnd() override {
        Node& map = *frames_.back().node;
        if (!below_reset()) check_duplicates(map);
        if (frames_.back().merges && !below_reset()) merge(map);
        end_collection();
    }

private:
    struct Frame {
        Node* node;
        bool has_key = false;
        bool merges = false;
        bool flow = false;
        bool key_of_alias = false; // key_pos is the anchor's
        bool reset = false;        // what !reset takes away, or below it
        std::string_view key{};
        Pos key_pos{};
    };

    Pos at(const YAML::Mark& m) const {
        return {static_cast<std::uint32_t>(m.line + 1),
                static_cast<std::uint16_t>(std::min<int>(m.column + 1, kMostColumns)), file_};
    }

    [[noreturn]] void fail(Pos pos, std::string message, std::string hint = {}) {
        reporter_.error(pos, {}, std::move(message), std::move(hint));
        throw Stop();
    }

    // What follows a quoted text at the start of a line; nothing of the text when it is not quoted.
    static std::string_view behind_quotes(std::string_view line) {
        if (line.empty() || (line[0] != '"' && line[0] != '\'')) return line;
        const std::string_view rest = behind_quotes_of(line);
        // It goes on on the next line: yaml-cpp knows whether that may be.
        return rest.data() == nullptr ? std::string_view(":") : rest;
    }

    // before: what stands before a key. A tag and an anchor may stand between the ? and the key.
    static bool is_explicit_key(std::string_view before) {
        for (;;) {
            const std::size_t last = before.find_last_not_of(" \t");
            if (last == std::string_view::npos) return false;
            const std::size_t start = before.find_last_of(" \t", last) + 1; // npos + 1 is 0
            if (before[start] != '!' && before[start] != '&') return before[last] == '?';
            before = before.substr(0, start);
        }
    }

    // yaml-cpp takes a last line without a colon for a key.
    void check_colon(Pos key) {
        const std::string_view line = from({key.line, 1, key.file});
        const std::string_view before = line.substr(0, std::min<std::size_t>(key.column - 1u, line.size()));
        const std::string_view word = behind_quotes(line.substr(before.size(), line.find('\n') - before.size()));
        if (is_explicit_key(before)) return;
        const std::string_view text = word.substr(0, word.find(" #"));
        for (std::size_t i = text.find(':'); i != std::string_view::npos; i = text.find(':', i + 1))
            if (i + 1 == text.size() || is_space(text[i + 1])) return;
        fail(key, "this is not valid YAML: this line is no key with a value", "end the key with ':'");
    }

    void begin_collection(Pos start, YAML::EmitterStyle::value style) {
        check_tabs(start.line);
        frames_.back().flow = style == YAML::EmitterStyle::Flow;
        if (in_flow()) after_token(start.line, false);
    }
    void end_collection() {
        const Frame ended = frames_.back();
        frames_.pop_back();
        if (!ended.flow || in_flow() || next_tab_ == tabs_.size()) return;
        const Pos start = ended.node->pos;
        after_token(start.line + lines_of_flow(from(start)), true);
    }
    bool in_flow() const { return !frames_.empty() && frames_.back().flow; }
    // What stands there is never made into values.
    bool below_reset() const { return !frames_.empty() && frames_.back().reset; }
    // Made into a value; with an anchor it may be used elsewhere.
    bool is_read(YAML::anchor_t anchor) const { return anchor || !below_reset(); }

    // yaml-cpp reads an item that is not there as null.
    void check_empty_item(Pos pos) {
        if (!in_flow() || !frames_.back().node->is_list()) return;
        if (from(pos).substr(0, 1) == ",")
            fail(pos, "this is not valid YAML: an item is missing before this comma", "remove the comma");
    }

    // Docker Compose's YAML takes a colon that starts a word in a { } for the one of a key, and no tab for
    // indentation behind a word.
    void check_flow_text(Pos pos, const std::string& value) {
        if (!in_flow()) return;
        if (value.size() > 1 && value[0] == ':' && frames_.back().node->is_map())
            fail(pos, "this is not valid YAML: between { and } no text starts with ':'", "put it in quotes");
        if (next_tab_ == tabs_.size()) return;
        if (const auto tab = tab_in_flow_text(from(pos), std::size_t(block_indent())))
            fail({pos.line + tab->line, static_cast<std::uint16_t>(tab->column + 1), file_},
                 "this is not valid YAML: a tab stands where only spaces can", "indent with spaces");
    }

    // By how much a text must be indented in the innermost collection that has lines of its own.
    int block_indent() const {
        for (auto f = frames_.rbegin(); f != frames_.rend(); ++f)
            if (!f->flow) return f->node->is_map() && f->key_pos.line ? f->key_pos.column : f->node->pos.column;
        return 0;
    }
    static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

    // Lines that start with a tab, behind spaces perhaps. A comment goes on so below another one.
    void find_tabs(std::string_view text) {
        if (text.find('\t') == std::string_view::npos) return;
        bool after_comment = false;
        for (std::uint32_t line = 1; !text.empty(); ++line) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            const std::string_view whole = text.substr(0, end);
            const std::size_t first = whole.find_first_not_of(' ');
            const std::size_t word = whole.find_first_not_of(" \t");
            const bool comment = word != std::string_view::npos && whole[word] == '#';
            if (first != std::string_view::npos && whole[first] == '\t' && !(comment && after_comment))
                tabs_.push_back({line, static_cast<std::uint16_t>(std::min<std::size_t>(first + 1, 65535)), file_});
            after_comment = comment;
            text.remove_prefix(std::min(end + 1, text.size()));
        }
    }

    void after_token(std::uint32_t line, bool tabs_are_wrong) {
        token_line_ = line;
        tabs_are_wrong_ = tabs_are_wrong;
    }

    // Behind a key, and behind a text that is closed; yaml-cpp itself looks at what lies in other texts.
    void after_scalar(Pos start) {
        if (next_tab_ == tabs_.size()) return;
        const bool key = !frames_.empty() && frames_.back().node->is_map() && !frames_.back().has_key;
        const std::string_view text = from(start);
        const char quote = text.empty() ? '\0' : text.front();
        if (in_flow() || (!key && quote != '"' && quote != '\'')) return after_token(start.line, false);
        if (key) return after_token(start.line, true);
        std::size_t end = 1;
        for (; end < text.size() && text[end] != quote; ++end)
            if (quote == '"' && text[end] == '\\') ++end;
        const std::string_view lines = text.substr(0, std::min(end, text.size()));
        after_token(start.line + static_cast<std::uint32_t>(std::count(lines.begin(), lines.end(), '\n')),
                    text.substr(end == text.size() ? end : end + 1, 1) != "'"); // '' goes on
    }

    static std::size_t count(const Node& n) {
        std::size_t sum = 1;
        for (const Node* item : n.list()) sum += count(*item);
        for (const Entry& e : n.map()) sum += count(*e.value);
        return sum;
    }

    // yaml-cpp is content with more than Docker Compose's YAML is.
    void check_properties(Pos pos, const std::string& tag, YAML::anchor_t anchor) {
        if (!anchor && (tag.empty() || tag == "?")) return; // "!": a tag that yaml-cpp cuts off, or quotes
        if (const std::string fault = property_fault(from(pos), tree_.file_text(file_)); !fault.empty())
            fail(pos, "this is not valid YAML: " + fault);
    }

    Tag tag_of(Pos pos, const std::string& tag) {
        if (tag == "!reset") return Tag::reset;
        if (tag == "!override") return Tag::override_value;
        if (tag.size() > 1 && tag[0] == '!')
            reporter_.warning(pos, {}, fmt::format("the tag {} is not known and ignored", tag),
                              "known are !reset and !override");
        return Tag::none;
    }

    Node* quoted(Pos pos, const std::string& value) {
        last_quote_ = pos;
        if (has_slash_escape_) check_slash_escape(pos);
        std::size_t bad = first_bad_utf8(value);
        if (bad == std::string_view::npos) return tree_.string(value, pos);
        // The whole file is UTF-8: a stray byte is yaml-cpp's reading of the escapes \_ and \N.
        std::string whole = value;
        for (; bad != std::string_view::npos && (whole[bad] & 0x40) == 0; bad = first_bad_utf8(whole))
            whole.insert(bad, 1, '\xc2');
        return tree_.string(whole, pos);
    }

    // The text of the file from there on; none where the column is too great to be known.
    std::string_view from(Pos pos) {
        std::string_view text = tree_.file_text(file_);
        if (pos.column == kMostColumns) return {};
        if (lines_.empty()) lines_.push_back(text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0);
        while (lines_.size() < pos.line) lines_.push_back(text.find('\n', lines_.back()) + 1);
        text.remove_prefix(lines_[pos.line - 1u]);
        return text.substr(std::min<std::size_t>(pos.column - 1u, text.size()));
    }

    // What libyaml makes of a block scalar; other scalars stay as they are.
    std::string block_text(Pos pos, const std::string& value) {
        const std::string_view text = from(pos);
        int parent = -1;
        if (!frames_.empty()) {
            const Frame& around = frames_.back();
            // "- " or "? " on the line is what the collection is indented by; its own place may be that of a tag.
            const Pos first = around.node->is_map() ? around.key_pos : pos;
            const std::string_view before = from({first.line, 1, file_}).substr(0, first.column - 1u);
            const std::size_t mark = before.find_last_not_of(' ');
            const char wanted = around.node->is_map() ? '?' : '-';
            if (mark != std::string_view::npos && before[mark] == wanted) parent = static_cast<int>(mark);
            else parent = (around.node->is_map() ? first : around.node->pos).column - 1;
        }
        auto block = read_block_scalar(text, parent);
        if (!block) return value;
        if (block->tab) {
            // The header may stand some lines below its tag.
            Pos tab = pos;
            const std::size_t header = text.find_first_of("|>");
            tab.line += static_cast<std::uint32_t>(
                std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(header), '\n') +
                static_cast<std::ptrdiff_t>(block->tab->first));
            tab.column = static_cast<std::uint16_t>(std::min<std::size_t>(block->tab->second + 1, 65535));
            fail(tab, "this is not valid YAML: a tab stands where spaces must indent the text",
                 "indent it with spaces");
        }
        return std::move(block->text);
    }

    // YAML 1.2 and JSON have this escape, Docker Compose's YAML 1.1 has not.
    void check_slash_escape(Pos pos) {
        std::string_view text = from(pos);
        if (text.empty() || text.front() != '"') return;
        for (std::size_t i = 1; i < text.size() && text[i] != '"'; ++i) {
            if (text[i] != '\\') continue;
            if (text.substr(++i, 1) == "/")
                fail(pos, "this text has the escape \\/, which YAML 1.1 does not know",
                     "write / without the backslash");
        }
    }

    // Docker Compose passes everything through JSON, which has no such numbers.
    Node* plain(Pos pos, const std::string& value, bool read = true) {
        Node* n = resolve_plain(tree_, value, pos);
        if (n->kind != Kind::real || std::isfinite(n->real) || !read) return n;
        reporter_.error(pos, {}, fmt::format("{} is no number that can be used here", value),
                        fmt::format("put it in quotes if it is meant as text: \"{}\"", value));
        n->failed = true;
        return n;
    }

    // read: made into a value.
    Node* scalar(Pos pos, const std::string& tag, const std::string& value, bool read) {
        if (tag == "?") {
            Node* n = plain(pos, value, read);
            if (value == "<<") n->tag = Tag::merge;
            return n;
        }
        if (tag == "!") return quoted(pos, value);
        constexpr std::string_view core = "tag:yaml.org,2002:";
        if (!read && tag[0] != '!') return tree_.string(value, pos);
        if (std::string_view(tag).substr(0, core.size()) == core) return tagged(pos, tag.substr(core.size()), value);
        Node* n = tree_.string(value, pos); // what has a tag of its own is text, in quotes or not
        n->tag = tag_of(pos, tag);
        return n;
    }

    Node* tagged(Pos pos, const std::string& type, const std::string& value) {
        if (type == "str") return tree_.string(value, pos);
        if (type == "binary") {
            auto bytes = decode_base64(value);
            if (!bytes) fail(pos, "!!binary needs base64 text");
            return tree_.string(*bytes, pos);
        }
        Node* n = plain(pos, value);
        if (type == "merge") n->tag = Tag::merge; // yq writes it so
        if (type == "float" && n->kind == Kind::integer) return tree_.real(static_cast<double>(n->integer), pos);
        bool fits = (type == "int" && (n->kind == Kind::integer || n->large)) ||
                    (type == "float" && n->kind == Kind::real) || (type == "bool" && n->is_bool()) ||
                    (type == "null" && n->is_null()) || (type == "timestamp" && n->timestamp) || n->tag == Tag::merge;
        constexpr std::array known = {"int", "float", "bool", "null", "timestamp"};
        if (std::find(known.begin(), known.end(), type) == known.end() && n->tag != Tag::merge)
            return tree_.string(value, pos); // as with a tag of its own
        if (!fits) fail(pos, fmt::format("'{}' is no !!{}", value, type));
        return n;
    }

    void open(Node* node, const std::string& tag, YAML::anchor_t anchor) {
        check_properties(node->pos, tag, anchor);
        node->tag = tag_of(node->pos, tag);
        if (frames_.size() >= kMaxDepth)
            fail(node->pos, "this is nested too deep", fmt::format("at most {} levels", kMaxDepth));
        // What has an anchor may be used elsewhere, where it is read.
        const bool reset = !anchor && (below_reset() || node->tag == Tag::reset);
        put(node, anchor);
        frames_.push_back({node});
        frames_.back().reset = reset;
    }

    void put(Node* node, YAML::anchor_t anchor, bool alias = false) {
        if (anchor) {
            if (anchors_.size() <= anchor) anchors_.resize(anchor + 1, nullptr);
            anchors_[anchor] = node;
        }
        if (frames_.empty()) {
            document_ = node;
            return;
        }
        Frame& top = frames_.back();
        if (top.node->is_list()) {
            tree_.push(*top.node, node);
        } else if (top.has_key) {
            tree_.add(*top.node, top.key, node, top.key_pos);
            top.has_key = false;
        } else {
            take_key(top, *node);
            top.key_of_alias = alias;
        }
    }

    void take_key(Frame& top, const Node& node) {
        if (below_reset()) {
            top.has_key = true;
            top.key = node.is_text() ? node.str() : std::string_view();
            top.key_pos = node.pos;
            return;
        }
        if (!node.is_text()) {
            std::string what = node.is_null()   ? "null"
                               : node.is_list() ? "a list"
                               : node.is_map()  ? "a mapping"
                                                : to_text(node);
            fail(node.pos, fmt::format("a key must be text, and this is {}", what),
                 node.is_bool() || node.is_number() || node.large ? fmt::format("put it in quotes: \"{}\"", what)
                                                                  : std::string());
        }
        top.has_key = true;
        top.key = node.tag == Tag::merge ? "<<" : node.str(); // !!merge says it for any word
        top.key_pos = node.pos;
        if (node.tag == Tag::merge) top.merges = true;
    }

    void check_duplicates(Node& map) {
        auto entries = map.map();
        std::vector<const Entry*> order;
        order.reserve(entries.size());
        for (const Entry& e : entries) order.push_back(&e);
        std::stable_sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->key < b->key; });
        std::vector<const Entry*> twins;
        for (std::size_t i = 1; i < order.size(); ++i) {
            if (order[i]->key != order[i - 1]->key) continue;
            twins.push_back(order[i]);
            reporter_.error(
                order[i]->key_pos, {},
                fmt::format("the key '{}' is already given in line {}", order[i]->key, order[i - 1]->key_pos.line),
                "a mapping may have each key once; remove one of the two");
        }
        if (twins.empty()) return;
        Entry* end = std::remove_if(entries.data(), entries.data() + entries.size(), [&](const Entry& e) {
            return std::find(twins.begin(), twins.end(), &e) != twins.end();
        });
        map.entries.size = static_cast<std::uint32_t>(end - entries.data());
    }

    // `<<: *a`, `<<: [*a, *b]`: own keys win, then the earlier mapping.
    void merge(Node& map) {
        Entry* entry = map.find_entry("<<");
        Node* source = entry->value;
        const Pos key_pos = entry->key_pos;
        map.erase("<<");
        if (source->is_map()) return merge_one(map, *source);
        if (!source->is_list())
            fail(key_pos, "<< needs a mapping or a list of mappings",
                 "write it as  <<: *name, with &name at a mapping");
        for (const Node* item : source->list()) {
            if (!item->is_map())
                fail(key_pos, "<< needs a mapping or a list of mappings",
                     "write it as  <<: [*one, *other], with the anchors at mappings");
            merge_one(map, *item);
        }
    }

    void merge_one(Node& map, const Node& source) {
        // What !reset stands before leaves the mapping, and what is merged shows: it comes behind it.
        const auto given = [&](std::string_view key) {
            return std::any_of(map.map().begin(), map.map().end(),
                               [&](const Entry& e) { return e.key == key && e.value->tag != Tag::reset; });
        };
        for (const Entry& e : source.map()) {
            const Entry* mine = map.find_entry(e.key);
            if (!mine || (mine->value->tag == Tag::reset && !given(e.key))) tree_.add(map, e.key, e.value, e.key_pos);
        }
    }

    Tree& tree_;
    Reporter& reporter_;
    std::uint16_t file_;
    bool has_slash_escape_;
    std::vector<std::size_t> lines_; // where they start, as far as somebody asked
    Pos last_quote_{};
    std::vector<Pos> tabs_;
    std::size_t next_tab_ = 0;
    std::uint32_t token_line_ = 0;
    bool tabs_are_wrong_ = true;
    int document_start_ = -1;
    Node* document_ = nullptr;
    std::vector<Frame> frames_;
    std::vector<Node*> anchors_;
    std::size_t copied_ = 0;
};

class ViewBuffer : public std::streambuf {
public:
    explicit ViewBuffer(const std::string& text) {
        char* p = const_cast<char*>(text.data()); // streambuf's interface; nothing is written
        setg(p, p, p + text.size());
    }
};

} // namespace

std::vector<Node*> parse_yaml(Tree& tree, std::uint16_t file, Reporter& reporter) {
    std::vector<Node*> documents;
    const std::string& text = tree.file_text(file);
    if (!check_yaml_text(text, file, reporter)) return documents;
    Builder builder(tree, file, reporter);
    try {
        ViewBuffer buffer(text);
        std::istream input(&buffer);
        YAML::Parser parser(input);
        while (parser.HandleNextDocument(builder)) {
            Node* document = builder.take_document();
            documents.push_back(document ? document : tree.null({1, 1, file}));
        }
        builder.check_last_quote();
        builder.check_tabs(UINT32_MAX);
    } catch (const Stop&) {
        documents.clear();
    } catch (const YAML::Exception& e) {
        Pos pos{static_cast<std::uint32_t>(std::max(e.mark.line, 0) + 1),
                static_cast<std::uint16_t>(std::clamp(e.mark.column + 1, 1, 65535)), file};
        YamlMistake mistake = explain_yaml_error(e.msg, tree.line_text(pos));
        reporter.error(pos, {}, std::move(mistake.message), std::move(mistake.hint));
        documents.clear();
    }
    return documents;
}

} // namespace davit::yaml
