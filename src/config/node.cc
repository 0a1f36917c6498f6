// SPDX-License-Identifier: MIT
#include "config/node.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "base/text.h"

namespace baton::config {
namespace {

// What ends the parse from within the library's callbacks; never leaves this file.
struct Stop {
  Place place;
  std::string message;
};

struct Extent {
  std::size_t nodes = 1;
  std::size_t depth = 1;
};

Extent extent_of(const Node& node) {
  Extent whole;
  std::size_t below = 0;
  const auto add = [&](const Node& part) {
    const Extent extent = extent_of(part);
    whole.nodes += extent.nodes;
    below = std::max(below, extent.depth);
  };
  for (const Node& item : node.items) add(item);
  for (const Node::Member& member : node.members) add(member.value);
  whole.depth += below;
  return whole;
}

// Builds the tree from the events of the parser.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(const std::string& source) : source_(source) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    finish(leaf(mark, Node::Type::null), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node = leaf(mark, Node::Type::scalar);
    check_tag(node.place, tag);
    node.scalar = value;
    node.quoted = tag == "!";
    if (!is_valid_utf8(value)) throw Stop{node.place, "the text is not valid UTF-8"};
    finish(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const Place where = place(mark);
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Stop{where, "the alias refers to a value that contains it"};
    const Extent extent = extent_of(found->second);
    spend(extent.nodes, where);
    if (frames_.size() + extent.depth > kConfigDepthMax + 1) throw too_deep(where);
    finish(Node(found->second), YAML::NullAnchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, Node::Type::list);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, Node::Type::map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    YAML::anchor_t anchor;
    bool has_key = false;
    std::string key;
    Place key_place;
    // Members that came from `<<`, which a later key of the same name replaces.
    std::set<std::string> merged;
  };

  Place place(const YAML::Mark& mark) const {
    return Place{source_, std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1};
  }

  Node leaf(const YAML::Mark& mark, Node::Type type) {
    Node node;
    node.type = type;
    node.place = place(mark);
    spend(1, node.place);
    return node;
  }

  void spend(std::size_t nodes, const Place& where) {
    spent_ += nodes;
    if (spent_ > kConfigNodesMax)
      throw Stop{where, fmt::format("there are more than {} values, aliases counted in full",
                                    kConfigNodesMax)};
  }

  static Stop too_deep(const Place& where) {
    return Stop{where, fmt::format("it is nested deeper than {} levels", kConfigDepthMax)};
  }

  static void check_tag(const Place& where, const std::string& tag) {
    // "?" is a plain value, "!" a quoted one; what people write themselves has a name.
    if (!tag.empty() && tag != "?" && tag != "!")
      throw Stop{where, fmt::format("the tag {} is not supported", tag)};
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            Node::Type type) {
    Node node = leaf(mark, type);
    check_tag(node.place, tag);
    if (frames_.size() >= kConfigDepthMax) throw too_deep(node.place);
    frames_.push_back(Frame{std::move(node), anchor, false, {}, {}, {}});
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    finish(std::move(frame.node), frame.anchor);
  }

  // A value is complete: it becomes the key or the value of the map around it, an item, or the
  // root.
  void finish(Node node, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      spend(extent_of(node).nodes, node.place);
      anchors_.insert_or_assign(anchor, node);
    }
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.type == Node::Type::list) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.has_key) {
      if (node.type != Node::Type::scalar) throw Stop{node.place, "a key must be plain text"};
      frame.key = std::move(node.scalar);
      frame.key_place = node.place;
      frame.has_key = true;
    } else {
      frame.has_key = false;
      add_member(frame, std::move(node));
    }
  }

  void add_member(Frame& frame, Node node) {
    if (frame.key == "<<") {
      merge(frame, node);
      return;
    }
    const auto written = [&](const Node::Member& m) { return m.name == frame.key; };
    auto& members = frame.node.members;
    const auto found = std::find_if(members.begin(), members.end(), written);
    if (found != members.end() && frame.merged.erase(frame.key) == 0)
      throw Stop{frame.key_place, fmt::format("the key \"{}\" is written twice", frame.key)};
    // A list or a map begins where its key does: its own mark may be lines below.
    if (node.type != Node::Type::scalar) node.place = frame.key_place;
    if (found != members.end())
      found->value = std::move(node);
    else
      members.push_back(Node::Member{std::move(frame.key), std::move(node)});
  }

  // `<<: *defaults`: members of the merged map stand where the map itself does not say otherwise.
  static void merge(Frame& into, const Node& from) {
    if (from.type == Node::Type::list) {
      for (const Node& item : from.items) merge(into, item);
      return;
    }
    if (from.type != Node::Type::map) throw Stop{from.place, "<< takes a map or a list of maps"};
    for (const Node::Member& member : from.members) {
      if (into.node.find(member.name) != nullptr) continue;
      into.node.members.push_back(member);
      into.merged.insert(member.name);
    }
  }

  const std::string& source_;
  Node root_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::size_t spent_ = 0;
};

tl::unexpected<Error> refused(const Place& place, std::string_view message) {
  return fail(Code::invalid, "{}: {}", place.text(), message);
}

}  // namespace

std::string Place::text() const {
  return line > 0 ? fmt::format("{}:{}:{}", source, line, column) : source;
}

const Node* Node::find(std::string_view name) const {
  for (const Member& member : members)
    if (member.name == name) return &member.value;
  return nullptr;
}

Node& Node::member(std::string_view name) {
  type = Type::map;
  for (Member& existing : members)
    if (existing.name == name) return existing.value;
  members.push_back(Member{std::string(name), Node{}});
  members.back().value.place = place;
  return members.back().value;
}

Result<Node> parse_yaml(std::string_view text, const std::string& source) {
  if (text.size() > kConfigBytesMax)
    return fail_with_fix(Code::too_large, "name a configuration, or split this one up",
                         "{} has {} bytes; at most {} are read", source, text.size(),
                         kConfigBytesMax);
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    Builder builder(source);
    Node root;
    if (parser.HandleNextDocument(builder)) root = builder.take();
    Builder second(source);
    if (parser && parser.HandleNextDocument(second))
      return refused(second.take().place, "a second document begins here; one file holds one");
    if (root.type == Node::Type::null) {
      root.type = Node::Type::map;
      root.place = Place{source, 1, 1};
    }
    return root;
  } catch (const Stop& stop) {
    return refused(stop.place, stop.message);
  } catch (const YAML::Exception& error) {
    // The library's own text begins with its own form of the place.
    return refused(Place{source, error.mark.line + 1, error.mark.column + 1}, error.msg);
  } catch (const std::exception& error) {
    return refused(Place{source, 0, 0}, error.what());
  }
}

}  // namespace baton::config
