import type { AxisRange } from './axis-range';

/** An item of a lane: an event, a span. */
export interface LanePlace {
  readonly lane: number;
  /** Its number in the lane; −1: none. */
  readonly place: number;
}

/** Lanes with items along an axis that begins at 0. */
export interface LaneSource {
  readonly lanes: number;
  /** Where the axis ends. */
  readonly end: number;
  /** Items of a lane. */
  count(lane: number): number;
  /** Where an item begins; undefined: there is none. */
  start(spot: LanePlace): number | undefined;
  /** The item of a lane that is at a place of the axis; −1: none. */
  at(lane: number, position: number): number;
}

/** What a drawing of lanes shows, in CSS pixels. */
export interface LaneSight {
  readonly window: AxisRange;
  readonly width: number;
  readonly height: number;
  /** How far the lanes are scrolled up. */
  readonly top: number;
  readonly selected: LanePlace;
  /** The chosen part. */
  readonly range: AxisRange | null;
}

/** Colours and the font that all lanes have. */
export interface LaneColours {
  readonly ground: string;
  readonly text: string;
  readonly quiet: string;
  readonly line: string;
  readonly accent: string;
  readonly font: string;
}
